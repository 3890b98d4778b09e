// Shows a photograph from the vault. It is decrypted when it comes into view, and released when it
// leaves the page.
import { useInViewport } from '@mantine/hooks';
import { type CSSProperties, useEffect, useState } from 'react';
import { useSession } from '../session/app-state.js';
import type { Photograph } from '../photographs/photograph.js';

export function useObjectUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!blob) return setUrl(undefined);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}

const FRAME: CSSProperties = {
  width: '100%',
  aspectRatio: '1',
  objectFit: 'cover',
  display: 'block',
  background: 'var(--mantine-color-default-hover)',
};

export function Thumbnail({ photograph, alt }: { photograph: Photograph; alt: string }) {
  const { collection } = useSession();
  const { ref, inViewport } = useInViewport<HTMLDivElement>();
  const [blob, setBlob] = useState<Blob>();
  useEffect(() => {
    if (inViewport && !blob) void collection.thumbnail(photograph).then(setBlob);
  }, [inViewport, blob, collection, photograph]);
  const url = useObjectUrl(blob);
  return (
    <div ref={ref} style={FRAME}>
      {url && <img src={url} alt={alt} style={FRAME} />}
    </div>
  );
}

/** The whole photograph, in its original bytes. */
export function useImage(photograph: Photograph | undefined): Blob | undefined {
  const { collection } = useSession();
  const [blob, setBlob] = useState<Blob>();
  useEffect(() => {
    let current = true;
    setBlob(undefined);
    if (photograph) void collection.image(photograph).then((image) => current && setBlob(image));
    return () => {
      current = false;
    };
  }, [photograph, collection]);
  return blob;
}
