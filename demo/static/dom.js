// Building elements, and bringing shown ones up to date without disturbing what plays in them.

export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name === 'style') for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const ICONS = {
  hash: 'M10 3 8 21M16 3l-2 18M4 8.500h17M3 15.500h17',
  voice: 'M4 9.500v5h4l5 4.500v-14L8 9.500zM17 8.500a5 5 0 0 1 0 7M19.500 5.500a9 9 0 0 1 0 13',
  forum: 'M4 5h16v11H10l-4 4v-4H4zM8 9h8M8 12h5',
  thread: 'M5 4v10a4 4 0 0 0 4 4h10M15 14l4 4-4 4',
  menu: 'M4 6h16M4 12h16M4 18h16',
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6 6 18',
  plus: 'M12 5v14M5 12h14',
  send: 'M4 12 20 4l-5 16-3.500-6.500z',
  picture: 'M4 5h16v14H4zM4 16l5-5 5 5 2.500-2.500L20 17M15.500 9.500h.01',
  film: 'M4 5h16v14H4zM8 5v14M16 5v14M4 9.500h4M4 14.500h4M16 9.500h4M16 14.500h4',
  file: 'M6 3h8l5 5v13H6zM14 3v5h5',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  link: 'M14 5h5v5M19 5l-8 8M17 13v6H5V7h6',
  slash: 'M15 4 9 20',
  check: 'M5 12.500l4.500 4.500L19 7',
};

export function icon(name) {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', 'aria-hidden': 'true', class: 'icon' })) svg.setAttribute(key, value);
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

// Turns `shown` into `wanted`, keeping every node that can stay: a playing video plays on.
export function morph(shown, wanted) {
  if (shown.nodeType !== wanted.nodeType || shown.nodeName !== wanted.nodeName) {
    shown.replaceWith(wanted);
    return;
  }
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    if (shown.data !== wanted.data) shown.data = wanted.data;
    return;
  }
  for (const { name } of [...shown.attributes]) if (!wanted.hasAttribute(name) && name !== 'open') shown.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  const before = [...shown.childNodes];
  const after = [...wanted.childNodes];
  after.forEach((node, index) => (before[index] ? morph(before[index], node) : shown.append(node)));
  before.slice(after.length).forEach((node) => node.remove());
}

export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(1).replace(/\.0$/, '')} MB`;
}

export function toast(text) {
  const note = h('div', { class: 'toast' }, text);
  document.getElementById('toasts').append(note);
  setTimeout(() => note.remove(), 8000);
}
