// Choosing a file for an option: a tile with a preview, which uploads at once.

import { h, icon, size } from './dom.js';
import { upload } from './net.js';

const isPicture = (file) => file.type.startsWith('image/') || /\.(heic|heif|avif)$/i.test(file.name);
const isVideo = (file) => file.type.startsWith('video/') || /\.(mov|mkv)$/i.test(file.name);
const wantsVideo = (option) => /video|clip|motion/i.test(option.name);

// Whether a dropped file is of the kind that an option is named after.
export function accepts(option, file) {
  return wantsVideo(option) ? isVideo(file) || file.type === 'image/gif' : /image|picture|photo/i.test(option.name) ? isPicture(file) : true;
}

export class FilePick {
  constructor({ name, description, changed, required = false, accept = '' }) {
    Object.assign(this, { name, description, changed, required, file: null, sending: null });
    this.input = h('input', { type: 'file', class: 'tile-input', accept, 'aria-label': `${name}: ${description}` });
    this.input.addEventListener('change', () => { if (this.input.files[0]) this.choose(this.input.files[0]); });
    this.face = h('span', { class: 'tile-face' });
    this.root = h('div', { class: 'tile' }, h('label', { class: 'tile-label' }, this.input, this.face));
    this.root.addEventListener('dragover', (event) => { event.preventDefault(); this.root.classList.add('tile-over'); });
    this.root.addEventListener('dragleave', () => this.root.classList.remove('tile-over'));
    this.root.addEventListener('drop', (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.root.classList.remove('tile-over');
      this.root.closest('.pane')?.classList.remove('dropping');
      if (event.dataTransfer.files[0]) this.choose(event.dataTransfer.files[0]);
    });
    this.draw();
  }

  choose(file) {
    this.clear(false);
    this.file = file;
    this.progress(0);
    this.sending = upload(file, (share) => this.progress(share));
    this.sending.done.then(() => this.progress(1), (error) => { if (this.file === file) { this.clear(); this.face.append(h('span', { class: 'tile-error', role: 'alert' }, error.message)); } });
    this.draw();
    this.changed();
  }

  clear(tell = true) {
    const { preview } = this;
    this.sending?.cancel();
    Object.assign(this, { file: null, sending: null, preview: null });
    this.input.value = '';
    this.draw();
    // A preview may still be reading its file for a moment after it is gone from the page.
    if (preview) setTimeout(() => URL.revokeObjectURL(preview), 10000);
    if (tell) this.changed();
  }

  // Gives what the server knows the file by, once all of it is there.
  async uploaded() { return await this.sending.done; }

  progress(share) {
    this.root.style.setProperty('--done', String(share));
    this.root.classList.toggle('tile-sending', share < 1);
  }

  draw() {
    this.root.classList.toggle('tile-filled', Boolean(this.file));
    this.root.querySelector('.tile-clear')?.remove();
    if (!this.file) {
      this.face.replaceChildren(h('span', { class: 'tile-icon' }, icon(wantsVideo(this) ? 'film' : /image|picture|photo/i.test(this.name) ? 'picture' : 'file')),
        h('span', { class: 'tile-name' }, this.name, !this.required && h('span', { class: 'tile-optional' }, ' optional')), h('span', { class: 'tile-about' }, this.description), h('span', { class: 'tile-how' }, 'Choose or drop a file'));
      return;
    }
    this.face.replaceChildren(this.look(), h('span', { class: 'tile-name' }, this.file.name), h('span', { class: 'tile-about' }, size(this.file.size)), h('span', { class: 'tile-bar' }));
    this.root.append(h('button', { class: 'tile-clear', type: 'button', 'aria-label': `Remove ${this.file.name}`, onclick: () => this.clear() }, icon('close')));
  }

  look() {
    const fallback = () => h('span', { class: 'tile-icon' }, icon(isVideo(this.file) ? 'film' : 'picture'));
    if (!isPicture(this.file) && !isVideo(this.file)) return fallback();
    this.preview ??= URL.createObjectURL(this.file);
    const shown = isVideo(this.file) ? h('video', { class: 'tile-preview', src: `${this.preview}#t=0.1`, muted: true, playsinline: true, preload: 'metadata', 'aria-hidden': 'true' }) : h('img', { class: 'tile-preview', src: this.preview, alt: '' });
    shown.addEventListener('error', () => shown.replaceWith(fallback()));
    // Of HEVC some browsers play the sound alone.
    shown.addEventListener('loadedmetadata', () => { if (!shown.videoWidth) shown.replaceWith(fallback()); });
    return shown;
  }
}
