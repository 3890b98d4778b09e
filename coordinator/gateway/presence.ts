// The connected clinics: those of each study that have proved their identity, the progress they
// report, and how to reach them.
import type { Progress } from '../../common/protocol/round.js';
import type { ToClinic } from '../../common/protocol/socket-events.js';
import type { Clock } from '../rounds/records.js';
import type { z } from 'zod';

/** A way to send one clinic an event, and to end its connection. */
export interface Connection {
  /** The same for every connection of one process. */
  readonly instance: string;
  send<E extends keyof ToClinic>(event: E, message: z.infer<ToClinic[E]>): void;
  close(): void;
  /**
   * Tells it that another took its place, and closes it.
   * @returns whether it heard that: one whose machine is gone does not
   */
  displace(): Promise<boolean>;
}

interface ConnectedClinic {
  readonly connection: Connection;
  /** Takes part; otherwise it waits for approval. */
  readonly approved: boolean;
  progress: Progress | null;
}

export class Presence {
  readonly #now: Clock;
  readonly #studies = new Map<string, Map<string, ConnectedClinic>>();
  readonly #displacedAt = new Map<string, number>();
  readonly #listeners: ((study: string) => void)[] = [];
  readonly #onProgress: ((study: string) => void)[] = [];
  readonly #onDisplaced: ((study: string, clinic: string) => void)[] = [];

  constructor(now: Clock) {
    this.#now = now;
  }
  /** Registers a listener for clinics that connect or disconnect. */
  onChange(listener: (study: string) => void): void {
    this.#listeners.push(listener);
  }
  /** Registers a listener for clinics that report progress. */
  onProgress(listener: (study: string) => void): void {
    this.#onProgress.push(listener);
  }
  /** Registers a listener for a clinic that is connected from two machines: one was sent away. */
  onDisplaced(listener: (study: string, clinic: string) => void): void {
    this.#onDisplaced.push(listener);
  }
  /**
   * Adds a clinic's new connection; an older one of the same clinic is closed. Where that is of
   * another process, and alive, two machines use one identity: the older is told.
   */
  join(study: string, clinic: string, connection: Connection, approved = true): void {
    const clinics = this.#studies.get(study) ?? new Map<string, ConnectedClinic>();
    this.#studies.set(study, clinics);
    const before = clinics.get(clinic);
    if (before?.connection === connection && before.approved === approved) return;
    clinics.set(clinic, { connection, approved, progress: null });
    if (before && before.connection !== connection) {
      if (before.connection.instance === connection.instance) before.connection.close();
      else void this.#displace(study, clinic, before.connection);
    }
    this.#changed(study);
  }
  async #displace(study: string, clinic: string, connection: Connection): Promise<void> {
    if (!(await connection.displace())) return;
    this.#displacedAt.set(`${study}/${clinic}`, this.#now());
    for (const listener of this.#onDisplaced) listener(study, clinic);
    this.#changed(study);
  }
  /** Removes a connection, unless a newer one of the same clinic has replaced it. */
  leave(study: string, clinic: string, connection: Connection): void {
    const clinics = this.#studies.get(study);
    if (clinics?.get(clinic)?.connection !== connection) return;
    clinics.delete(clinic);
    this.#changed(study);
  }
  /** The connected clinics of a study that take part, in clinic-id order. */
  connected(study: string): string[] {
    return [...(this.#studies.get(study) ?? [])]
      .filter(([, { approved }]) => approved)
      .map(([clinic]) => clinic)
      .toSorted();
  }
  /** Whether a clinic is connected, be it that it waits for approval. */
  isConnected(study: string, clinic: string): boolean {
    return this.#studies.get(study)?.has(clinic) ?? false;
  }
  /**
   * When last a second machine with the clinic's identity was sent away; null: not since the
   * coordinator was started.
   */
  displacedAt(study: string, clinic: string): number | null {
    return this.#displacedAt.get(`${study}/${clinic}`) ?? null;
  }
  /** How many clinics that take part are connected, over all studies. */
  get size(): number {
    let n = 0;
    for (const study of this.#studies.keys()) n += this.connected(study).length;
    return n;
  }
  report(study: string, clinic: string, progress: Progress): void {
    const connected = this.#studies.get(study)?.get(clinic);
    if (!connected) return;
    connected.progress = progress;
    for (const listener of this.#onProgress) listener(study);
  }
  progress(study: string, clinic: string): Progress | null {
    return this.#studies.get(study)?.get(clinic)?.progress ?? null;
  }
  /** Sends to the named clinics that are connected, or to all of the study that take part. */
  send<E extends keyof ToClinic>(
    study: string,
    event: E,
    message: z.infer<ToClinic[E]>,
    to: readonly string[] = this.connected(study),
  ): void {
    const clinics = this.#studies.get(study);
    for (const id of to) clinics?.get(id)?.connection.send(event, message);
  }
  /** Ends the connection of a clinic that was revoked. */
  dismiss(study: string, clinic: string): void {
    const connection = this.#studies.get(study)?.get(clinic)?.connection;
    connection?.send('dismissed', { code: 'LENTIGO_CLINIC_REVOKED' });
    connection?.close();
  }
  #changed(study: string): void {
    for (const listener of this.#listeners) listener(study);
  }
}
