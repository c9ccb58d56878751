'use strict';
// Paths as on Linux.

function normalizeParts(parts, absolute) {
    const out = [];
    for (const part of parts) {
        if (part === '' || part === '.') continue;
        if (part !== '..') out.push(part);
        else if (out.length > 0 && out[out.length - 1] !== '..') out.pop();
        else if (!absolute) out.push('..');
    }
    return out;
}

function check(path) {
    if (typeof path !== 'string') throw new TypeError(`The "path" argument must be of type string. Received ${path === null ? 'null' : typeof path}`);
}

function normalize(path) {
    check(path);
    if (path === '') return '.';
    const absolute = path.startsWith('/');
    let text = normalizeParts(path.split('/'), absolute).join('/');
    if (text === '' && !absolute) text = '.';
    if (text !== '' && path.endsWith('/') && text !== '.') text += '/';
    return absolute ? `/${text}` : path.endsWith('/') && text === '.' ? './' : text;
}

function join(...paths) {
    paths.forEach(check);
    const text = paths.filter((path) => path !== '').join('/');
    return text === '' ? '.' : normalize(text);
}

function resolve(...paths) {
    let text = '';
    for (let i = paths.length - 1; i >= 0 && !text.startsWith('/'); i--) {
        check(paths[i]);
        if (paths[i] !== '') text = text === '' ? paths[i] : `${paths[i]}/${text}`;
    }
    return `/${normalizeParts(text.split('/'), true).join('/')}`;
}

function withoutEnd(path) {
    return path.replace(/(?<=.)\/+$/, '');
}

function dirname(path) {
    check(path);
    if (path === '') return '.';
    const text = withoutEnd(path);
    const at = text.lastIndexOf('/');
    if (at < 0) return '.';
    return at === 0 ? '/' : withoutEnd(text.slice(0, at));
}

function basename(path, suffix) {
    check(path);
    const text = path.replace(/\/+$/, '');
    const name = text.slice(text.lastIndexOf('/') + 1);
    return suffix !== undefined && name !== suffix && name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : name;
}

function extname(path) {
    const name = basename(path);
    const at = name.lastIndexOf('.');
    return at <= 0 || name === '..' ? '' : name.slice(at);
}

function relative(from, to) {
    const a = resolve(from).split('/').filter(Boolean);
    const b = resolve(to).split('/').filter(Boolean);
    let same = 0;
    while (same < a.length && same < b.length && a[same] === b[same]) same++;
    return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/');
}

function parse(path) {
    const root = path.startsWith('/') ? '/' : '';
    const base = basename(path);
    const ext = extname(path);
    const dir = path.includes('/') ? dirname(path) : '';
    return { root, dir: dir === '.' && !path.startsWith('./') ? '' : dir, base, ext, name: ext === '' ? base : base.slice(0, -ext.length) };
}

function format({ root = '', dir = '', base, name = '', ext = '' }) {
    const file = base ?? `${name}${ext !== '' && !ext.startsWith('.') ? '.' : ''}${ext}`;
    if (dir === '') return `${root}${file}`;
    return dir === root ? `${dir}${file}` : `${dir}/${file}`;
}

const path = { sep: '/', delimiter: ':', normalize, join, resolve, isAbsolute: (text) => (check(text), text.startsWith('/')), dirname, basename, extname, relative, parse, format, toNamespacedPath: (text) => text };
path.posix = path;
module.exports = path;
