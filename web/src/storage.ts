// What the browser remembers. In some places it remembers nothing: a private window, a frame without
// an origin, a file in some browsers. Then it is remembered until the page is closed.

const own = new Map<string, string>();

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return own.get(key) ?? null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    own.set(key, value);
  }
}
