// Copies what the compiler leaves behind into dist: icons and codex files.
const { src, dest } = require('gulp');

const copyAssets = () =>
  src(['nodes/**/*.{svg,png,node.json}', 'credentials/**/*.{svg,png}'], {
    base: '.',
    encoding: false,
    allowEmpty: true,
  }).pipe(dest('dist'));

exports.default = copyAssets;
