// Package schema describes rule files as a JSON Schema, by which editors complete
// keys, values and fields, and underline what is wrong. It is made of the tables
// that the loader and the checker use; conditions are texts to it.
package schema
