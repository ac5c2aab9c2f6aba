// Talking to the demo's server: live events, uploads and actions.

export function listen(viewer, handlers) {
  const source = new EventSource(`/events?viewer=${encodeURIComponent(viewer)}`);
  for (const [name, handler] of Object.entries(handlers)) {
    if (name !== 'connection') source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
  }
  source.onopen = () => handlers.connection(true);
  source.onerror = () => {
    handlers.connection(false);
    // The browser comes back by itself, except after an answer it takes for final.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => handlers.again(), 2000);
  };
  return source;
}

// Uploads one file; gives { upload } in `done`, and lets it be given up with `cancel`.
export function upload(file, progress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open('POST', `/upload?name=${encodeURIComponent(file.name)}`);
    request.responseType = 'text';
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => (request.status === 200 ? resolve(JSON.parse(request.responseText)) : reject(new Error(request.responseText)));
    request.onerror = () => reject(new Error('The upload was interrupted.'));
    request.onabort = () => reject(new Error('The upload was cancelled.'));
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.send(file);
  });
  done.catch(() => {});
  return { done, cancel: () => request.abort() };
}

export async function act(action, wish) {
  try {
    const response = await fetch(`/do/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(wish),
    });
    if (!response.ok) return { error: (await response.text()) || 'That did not work.' };
    return await response.json();
  } catch {
    return { error: 'The demo does not answer. Is it still running in its terminal?' };
  }
}
