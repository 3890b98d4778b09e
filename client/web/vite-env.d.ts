// Types of what Vite resolves at build time: `?url` gives a file's address.
/// <reference types="vite/client" />
