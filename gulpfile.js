// Copies what the compiler leaves behind into dist, or where else the package is built: icons, codex files, and the schema of the command's configuration.
const { src, dest } = require('gulp');

const copyAssets = () =>
  src(['nodes/**/*.{svg,png,node.json}', 'credentials/**/*.{svg,png}', 'cli/config/schema.json'], {
    base: '.',
    encoding: false,
    allowEmpty: true,
  }).pipe(dest(process.env['DURABLE_MAIL_DIST'] || 'dist'));

exports.default = copyAssets;
