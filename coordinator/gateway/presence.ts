// The connected clinics: those of each study that have proved their identity, the progress they
// report, and how to reach them.
import type { Progress } from '../../common/protocol/round.js';
import type { ToClinic } from '../../common/protocol/socket-events.js';
import type { z } from 'zod';

/** A way to send one clinic an event, and to end its connection. */
export interface Connection {
  send<E extends keyof ToClinic>(event: E, message: z.infer<ToClinic[E]>): void;
  close(): void;
}

interface ConnectedClinic {
  readonly connection: Connection;
  progress: Progress | null;
}

export class Presence {
  readonly #studies = new Map<string, Map<string, ConnectedClinic>>();
  readonly #listeners: ((study: string) => void)[] = [];
  readonly #onProgress: ((study: string) => void)[] = [];

  /** Registers a listener for clinics that connect or disconnect. */
  onChange(listener: (study: string) => void): void {
    this.#listeners.push(listener);
  }
  /** Registers a listener for clinics that report progress. */
  onProgress(listener: (study: string) => void): void {
    this.#onProgress.push(listener);
  }
  /** Adds a clinic's new connection; an older one of the same clinic is closed. */
  join(study: string, clinic: string, connection: Connection): void {
    const clinics = this.#studies.get(study) ?? new Map<string, ConnectedClinic>();
    this.#studies.set(study, clinics);
    clinics.get(clinic)?.connection.close();
    clinics.set(clinic, { connection, progress: null });
    this.#changed(study);
  }
  /** Removes a connection, unless a newer one of the same clinic has replaced it. */
  leave(study: string, clinic: string, connection: Connection): void {
    const clinics = this.#studies.get(study);
    if (clinics?.get(clinic)?.connection !== connection) return;
    clinics.delete(clinic);
    this.#changed(study);
  }
  /** The connected clinics of a study, in clinic-id order. */
  connected(study: string): string[] {
    return [...(this.#studies.get(study)?.keys() ?? [])].toSorted();
  }
  /** How many clinics are connected, over all studies. */
  get size(): number {
    let n = 0;
    for (const clinics of this.#studies.values()) n += clinics.size;
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
  /** Sends to the named clinics that are connected, or to all of the study. */
  send<E extends keyof ToClinic>(
    study: string,
    event: E,
    message: z.infer<ToClinic[E]>,
    to?: readonly string[],
  ): void {
    const clinics = this.#studies.get(study);
    for (const id of to ?? clinics?.keys() ?? []) clinics?.get(id)?.connection.send(event, message);
  }
  /** Ends a clinic's connection. */
  dismiss(study: string, clinic: string): void {
    this.#studies.get(study)?.get(clinic)?.connection.close();
  }
  #changed(study: string): void {
    for (const listener of this.#listeners) listener(study);
  }
}
