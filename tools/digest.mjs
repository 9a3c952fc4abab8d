// Whether files are still as they were: a digest of their names and what is in them. Time stamps do not count: a checkout,
// a copy and a merge set them as they like.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * @param {string} root
 * @param {readonly string[]} paths files, and folders with all that is in them, from the root; what is not there counts as
 *   not being there
 * @returns {Promise<string>} hexadecimal
 */
export async function digestOf(root, paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const files = await filesOf(root, path);
    hash.update(`${path}: ${files.length}\n`);
    for (const file of files) {
      const content = await readFile(join(root, file));
      hash.update(`${file} ${content.length}\n`).update(content);
    }
  }
  return hash.digest('hex').slice(0, 24);
}

/**
 * @param {string} root
 * @param {string} path
 * @returns {Promise<string[]>} from the root, with slashes, in one order everywhere
 */
async function filesOf(root, path) {
  try {
    const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(root.length + 1)
          .replaceAll('\\', '/'),
      )
      .sort();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOTDIR') return [path];
    if (code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * A digest that was kept in a file.
 * @param {string} file
 * @returns {Promise<string>} empty: there is none
 */
export const kept = (file) => readFile(file, 'utf8').catch(() => '');
