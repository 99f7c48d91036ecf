/** `item-name` → `item_name`. WIT names are unique without regard to case, so they stay unique. */
export function snake(name: string): string {
  return name.replaceAll('-', '_').toLowerCase();
}

/** `item-name` → `ITEM_NAME`, for constants. */
export function upperSnake(name: string): string {
  return snake(name).toUpperCase();
}

/** `item-name` → `ItemName`, for types and cases. */
export function upperCamel(name: string): string {
  const words = name.split(/[-_]/).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase());
  return words.join('');
}
