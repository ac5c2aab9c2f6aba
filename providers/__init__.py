"""Who renders, and all else that goes over HTTP: PixelByte, the sandbox, downloads, the web server."""
