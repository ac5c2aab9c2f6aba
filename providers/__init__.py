"""Who renders, and everything else that goes over HTTP: PixelByte, the offline sandbox, downloads and the web server."""
