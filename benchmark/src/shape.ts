// The attributes of an order and their types, as no library in particular has them: each adapter makes its library's
// schema from this.

/** The type of an attribute: of a list, that of its elements; of a map, those of its entries. */
export type Attribute = "string" | "number" | "boolean" | { list: Attribute } | { map: Shape };

/** The attributes of an item or a map by their names. */
export interface Shape {
  [name: string]: Attribute;
}

/** The attributes of an order, its keys first. */
export const ORDER: Shape = {
  customerId: "string",
  orderId: "string",
  status: "string",
  placedAt: "string",
  total: "number",
  quantity: "number",
  paid: "boolean",
  gift: "boolean",
  lines: { list: { map: { sku: "string", quantity: "number", price: "number" } } },
  address: { map: { street: "string", city: "string", postcode: "string", country: "string" } },
  note: "string",
};

/** Makes something of each attribute of a shape. */
export function mapShape<T>(shape: Shape, make: (attribute: Attribute, name: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(shape).map(([name, attribute]) => [name, make(attribute, name)]));
}
