/** The engine as text; the build writes it into dist. */
export const base64: string;
