// Package document has what the commands write with --output json, for programs
// that read it and for consoles that show it. docs/schema has a JSON schema of each
// document, which a test makes of the types. The functions New… make the documents of
// what the packages beside this one found; they ask nobody.
//
// Names, and values that the comments call stable, stay. Members may be added: a
// reader leaves what it does not know alone. A member without omitempty is always
// there; a list without elements is [], and null means that something is not known.
// Dates are RFC 3339, sizes bytes.
package document
