// Lets a person choose the square of a photograph that contains the lesion, moving and enlarging it
// with fingers, mouse or keys.
import { Button, Group, Slider, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import Cropper, { type Area } from 'react-easy-crop';
import { openBitmap } from '../../../common/images/decode.web.js';
import { STRINGS } from '../strings/index.js';
import { useObjectUrl } from './stored-image.js';
import { useTask } from './use-task.js';

export function Crop({
  image,
  name,
  onDone,
  onCancel,
}: {
  image: Blob;
  name: string;
  onDone: (image: File) => Promise<void>;
  onCancel: () => void;
}) {
  const url = useObjectUrl(image);
  const [place, setPlace] = useState({ x: 0, y: 0 });
  const [zoom, setZoom] = useState(1);
  const [area, setArea] = useState<Area>();
  const { busy, run } = useTask();
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {STRINGS.crop.text}
      </Text>
      <div
        style={{
          position: 'relative',
          height: 'min(60dvh, 420px)',
          borderRadius: 16,
          overflow: 'hidden',
        }}
      >
        {url && (
          <Cropper
            image={url}
            crop={place}
            zoom={zoom}
            aspect={1}
            cropShape="round"
            showGrid={false}
            maxZoom={8}
            onCropChange={setPlace}
            onZoomChange={setZoom}
            onCropComplete={(percent) => setArea(percent)}
          />
        )}
      </div>
      <Slider
        value={zoom}
        onChange={setZoom}
        min={1}
        max={8}
        step={0.05}
        label={null}
        thumbLabel={STRINGS.crop.zoom}
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>
          {STRINGS.common.cancel}
        </Button>
        <Button
          loading={busy}
          disabled={!area}
          onClick={() => void run(async () => onDone(await cut(image, name, area!)))}
        >
          {STRINGS.crop.use}
        </Button>
      </Group>
    </Stack>
  );
}

/** @param area in percent of the photograph, which may be decoded smaller than it is */
async function cut(image: Blob, name: string, area: Area): Promise<File> {
  const { bitmap } = await openBitmap(image, name);
  const [across, down] = [bitmap.width / 100, bitmap.height / 100];
  const side = Math.max(1, Math.round(area.width * across));
  const canvas = new OffscreenCanvas(side, side);
  canvas
    .getContext('2d')!
    .drawImage(
      bitmap,
      area.x * across,
      area.y * down,
      area.width * across,
      area.height * down,
      0,
      0,
      side,
      side,
    );
  bitmap.close();
  return new File(
    [await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 })],
    `${name}-part.jpg`,
    { type: 'image/jpeg' },
  );
}
