// Formulas as text, with what follows a _ as an index: Σ_j W_ji.

export function Tex({ children }: { children: string }) {
  return (
    <span class="math">
      {children
        .split(/(_[A-Za-z0-9]+)/)
        .map((part) => (part.startsWith("_") ? <sub>{part.slice(1)}</sub> : part))}
    </span>
  );
}
