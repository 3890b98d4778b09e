// A button that lets a person choose files, or a whole folder.
import { Button, type ButtonProps } from '@mantine/core';
import { type ReactNode, useRef } from 'react';

interface Props extends ButtonProps {
  readonly folder?: boolean;
  readonly multiple?: boolean;
  /** Whether a table may be picked, too. */
  readonly table?: boolean;
  readonly onFiles: (files: File[]) => void;
  readonly children: ReactNode;
  readonly 'data-testid'?: string;
}

const PICTURES = 'image/jpeg,image/png,image/webp,image/avif,.heic,.heif';

/** Phones can't choose folders. */
export const picksFolders =
  typeof HTMLInputElement !== 'undefined' &&
  'webkitdirectory' in HTMLInputElement.prototype &&
  !/Android|iPhone|iPad/.test(navigator.userAgent);

export function PickFiles({
  folder = false,
  multiple = false,
  table = false,
  onFiles,
  children,
  'data-testid': testId,
  ...button
}: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple={multiple || folder}
        data-testid={testId}
        {...(folder
          ? { webkitdirectory: '' }
          : { accept: table ? `${PICTURES},.csv,text/csv` : PICTURES })}
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <Button {...button} onClick={() => input.current!.click()}>
        {children}
      </Button>
    </>
  );
}
