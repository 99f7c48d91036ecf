import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { type BaseImage, ensureImageApart } from '../image/index.ts';

/** The base image, looked at or built in the background when first asked for, and again after it turned out to be gone. */
export class KeptImage {
  readonly #cacheDir: string;
  readonly #warning: (sentence: string) => void;
  readonly #closing = new AbortController();
  #image: Promise<BaseImage> | null = null;

  constructor(cacheDir: string, warning: (sentence: string) => void) {
    this.#cacheDir = cacheDir;
    this.#warning = warning;
  }

  /** The image; rejects with `sandbox-unavailable` when it cannot be had, and the next call tries again. */
  get(): Promise<BaseImage> {
    this.#image ??= ensureImageApart({ cacheDir: this.#cacheDir, signal: this.#closing.signal }).then(
      (image) => {
        if (image.outdated !== undefined) this.#warning(image.outdated);
        return image;
      },
      (error: unknown) => {
        this.#image = null;
        throw error;
      },
    );
    return this.#image;
  }

  /** Runs `start` with the image. When it finds the image unusable, the next call has it looked at anew. */
  async with<T>(start: (image: BaseImage) => Promise<T>): Promise<T> {
    const image = await this.get();
    try {
      return await start(image);
    } catch (error) {
      if (error instanceof CloudletError && error.code === 'sandbox-unavailable') this.#image = null;
      throw error;
    }
  }

  /** Gives up a build that goes on. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#image?.catch(() => {}); // Given up or had: both are an end.
  }
}
