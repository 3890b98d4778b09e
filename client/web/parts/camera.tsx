// The camera with a guide: the photograph is what lies inside the square.
import { Alert, Button, Center, Group, Loader, Stack, Text } from '@mantine/core';
import { IconCamera, IconCameraOff, IconPhotoPlus } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { STRINGS } from '../strings/index.js';
import { PickFiles } from './pick-files.js';

/** Requested from the camera, which gives the best it can. */
const WANTED: MediaTrackConstraints = {
  facingMode: { ideal: 'environment' },
  width: { ideal: 2560 },
  height: { ideal: 1920 },
};

export function Camera({ onPhotograph }: { onPhotograph: (image: File) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<'starting' | 'ready' | 'denied'>('starting');
  useEffect(() => {
    let stream: MediaStream | undefined;
    let gone = false;
    void (async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
        if (gone) return stop(stream);
        video.current!.srcObject = stream;
        await video.current!.play();
        setState('ready');
      } catch {
        if (!gone) setState('denied');
      }
    })();
    return () => {
      gone = true;
      if (stream) stop(stream);
    };
  }, []);
  if (state === 'denied')
    return (
      <Alert color="yellow" icon={<IconCameraOff aria-hidden />}>
        {STRINGS.camera.denied}
        <Group mt="sm">
          <PickFiles
            variant="default"
            leftSection={<IconPhotoPlus size={20} aria-hidden />}
            onFiles={([file]) => file && onPhotograph(file)}
            data-testid="camera-file"
          >
            {STRINGS.camera.file}
          </PickFiles>
        </Group>
      </Alert>
    );
  return (
    <Stack>
      <div
        style={{
          position: 'relative',
          aspectRatio: '1',
          maxHeight: '62dvh',
          marginInline: 'auto',
          width: 'min(100%, 62dvh)',
          overflow: 'hidden',
          borderRadius: 16,
          background: '#000',
        }}
      >
        <video
          ref={video}
          playsInline
          muted
          style={{ width: '100%', height: '100%', objectFit: 'cover' }}
        />
        <Guide />
        {state === 'starting' && (
          <Center pos="absolute" inset={0}>
            <Loader color="white" aria-label={STRINGS.camera.starting} />
          </Center>
        )}
      </div>
      <Text size="sm" c="dimmed" ta="center">
        {STRINGS.camera.guide}
      </Text>
      <Group justify="center">
        <Button
          size="lg"
          radius="xl"
          leftSection={<IconCamera aria-hidden />}
          disabled={state !== 'ready'}
          onClick={() => void capture(video.current!).then(onPhotograph)}
        >
          {STRINGS.camera.take}
        </Button>
      </Group>
    </Stack>
  );
}

/** A circle and a cross in the middle of the square. */
function Guide() {
  return (
    <svg
      viewBox="0 0 100 100"
      aria-hidden
      style={{
        position: 'absolute',
        inset: 0,
        width: '100%',
        height: '100%',
        pointerEvents: 'none',
      }}
    >
      <defs>
        <mask id="guide">
          <rect width="100" height="100" fill="#fff" />
          <circle cx="50" cy="50" r="36" fill="#000" />
        </mask>
      </defs>
      <rect width="100" height="100" fill="rgb(0 0 0 / 0.32)" mask="url(#guide)" />
      <circle
        cx="50"
        cy="50"
        r="36"
        fill="none"
        stroke="#fff"
        strokeWidth="0.7"
        strokeDasharray="3 2"
      />
      <path d="M50 47.5v5M47.5 50h5" stroke="#fff" strokeWidth="0.5" opacity="0.8" />
    </svg>
  );
}

const stop = (stream: MediaStream): void => stream.getTracks().forEach((track) => track.stop());

/** The central square of the camera's picture, at full resolution. */
async function capture(video: HTMLVideoElement): Promise<File> {
  const side = Math.min(video.videoWidth, video.videoHeight);
  const canvas = new OffscreenCanvas(side, side);
  canvas
    .getContext('2d')!
    .drawImage(
      video,
      (video.videoWidth - side) / 2,
      (video.videoHeight - side) / 2,
      side,
      side,
      0,
      0,
      side,
      side,
    );
  const taken = new Date()
    .toISOString()
    .replace(/[-:]|\..*/g, '')
    .replace('T', '-');
  return new File(
    [await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.93 })],
    `camera-${taken}.jpg`,
    { type: 'image/jpeg' },
  );
}
