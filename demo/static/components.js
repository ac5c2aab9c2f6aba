// Components of a message (V2 layouts, buttons, menus) as elements; presses are handled by delegation in main.js.

import { h, icon, size } from './dom.js';
import { markdown } from './markdown.js';
import { MENUS, menu } from './menus.js';

const STYLES = { 1: 'primary', 2: 'secondary', 3: 'success', 4: 'danger', 5: 'link', 6: 'premium' };

export function component(part, world) {
  const draw = DRAWN[part.type];
  return draw ? draw(part, world) : unsupported('This part of the message cannot be shown in the demo.');
}

export const unsupported = (text) => h('p', { class: 'unsupported' }, text);

const DRAWN = {
  1: (part, world) => h('div', { class: 'action-row' }, part.components.map((child) => component(child, world))),
  2: button,
  ...Object.fromEntries(MENUS.map((type) => [type, menu])),
  9: (part, world) => h('div', { class: 'section' },
    h('div', { class: 'section-texts' }, part.components.map((child) => component(child, world))),
    h('div', { class: 'accessory' }, component(part.accessory, world))),
  10: (part, world) => markdown(part.content, world),
  11: (part) => h('div', { class: 'thumbnail' }, medium(part.media, part, 'thumbnail')),
  12: (part) => h('div', { class: `gallery gallery-${Math.min(part.items.length, 4)}` },
    part.items.map((item) => h('div', { class: 'gallery-item' }, medium(item.media, item, part.items.length === 1 ? 'single' : 'tile')))),
  13: (part) => fileCard({ url: part.file.url, local: part.file.local, filename: part.name ?? nameOf(part.file.url), size: part.size }),
  14: (part) => h('hr', { class: `separator${part.spacing === 2 ? ' separator-large' : ''}${part.divider === false ? ' separator-blank' : ''}` }),
  17: (part, world) => h('div', {
    class: `container${part.spoiler ? ' spoiler' : ''}${part.accent_color != null ? ' container-accent' : ''}`,
    style: part.accent_color != null ? { '--accent': `#${part.accent_color.toString(16).padStart(6, '0')}` } : {},
  }, part.components.map((child) => component(child, world))),
};

function button(part) {
  const style = STYLES[part.style] ?? 'secondary';
  const label = [part.emoji && h('span', { class: 'emoji' }, part.emoji.id ? `:${part.emoji.name}:` : part.emoji.name), part.label && h('span', {}, part.label)];
  if (style === 'link') {
    const safe = /^https?:\/\//.test(part.url) && !part.disabled;
    return h('a', { class: `button button-link${part.disabled ? ' button-off' : ''}`, href: safe ? part.url : undefined, target: '_blank', rel: 'noopener noreferrer' }, label, icon('link'));
  }
  if (style === 'premium') return unsupported('A purchase button is not part of the demo.');
  return h('button', { class: `button button-${style}`, type: 'button', disabled: part.disabled, data: { press: part.custom_id } }, label);
}

// ── pictures, videos, files ────────────────────────────────────────────────────────────────────

const nameOf = (url) => decodeURIComponent(url.split('?')[0].split('/').at(-1));

const kindOf = (file) => {
  const type = file.content_type ?? '';
  if (type.startsWith('image/') || /\.(jpe?g|png|gif|webp|avif)$/i.test(file.url)) return 'image';
  if (type.startsWith('video/') || /\.(mp4|webm|mov|m4v)$/i.test(file.url)) return 'video';
  return type.startsWith('audio/') ? 'audio' : 'file';
};

export function medium(file, { description = null, spoiler = false } = {}, shape = 'single') {
  if (!file.local) return fileCard({ ...file, filename: file.url });
  const fit = file.width && file.height ? { 'aspect-ratio': `${file.width} / ${file.height}`, '--ratio': String(file.width / file.height) } : {};
  const kind = kindOf(file);
  const fallback = { fallback: JSON.stringify({ url: file.url, filename: file.filename ?? nameOf(file.url), size: file.size ?? null }) };
  let shown;
  if (kind === 'image') {
    shown = h('a', { class: 'picture-link', href: file.url, target: '_blank', rel: 'noopener' },
      h('img', { class: `medium medium-${shape}`, src: file.url, alt: description ?? nameOf(file.url), style: fit, data: fallback }));
  } else if (kind === 'video') {
    shown = h('video', { class: `medium medium-${shape}`, src: file.url, controls: true, playsinline: true, preload: 'auto', 'aria-label': description ?? nameOf(file.url), style: fit, data: fallback });
  } else if (kind === 'audio') {
    shown = h('audio', { src: file.url, controls: true, preload: 'metadata', 'aria-label': description ?? nameOf(file.url) });
  } else return fileCard({ ...file, filename: file.filename ?? nameOf(file.url) });
  return h('figure', { class: `figure figure-${kind}${spoiler ? ' spoiler' : ''}` }, shown,
    description && shape !== 'thumbnail' && h('figcaption', { class: 'alt', title: description }, 'ALT', h('span', { class: 'alt-text' }, description)));
}

export const isPlayed = (file) => kindOf(file) !== 'file';

export function attachment(file) {
  return isPlayed(file) ? medium(file, { description: file.description, spoiler: file.filename.startsWith('SPOILER_') }) : fileCard(file);
}

export function fileCard(file) {
  return h('a', { class: 'file-card', href: /^(https?:)?\//.test(file.url) ? file.url : undefined, target: '_blank', rel: 'noopener noreferrer' },
    icon('file'), h('span', { class: 'file-facts' }, h('span', { class: 'file-name' }, file.filename), file.size ? h('span', { class: 'file-size' }, size(file.size)) : null));
}

// What this browser cannot show (HEIC, HEVC) stays reachable as a file.
export function keepFallingBack() {
  document.addEventListener('error', (event) => {
    const given = event.target.dataset?.fallback;
    if (given) event.target.closest('figure').replaceChildren(fileCard(JSON.parse(given)));
  }, true);
}
