package policy

import "strings"

// Figures are what S3 says of an object's contents.
type Figures struct {
	Size int64  // bytes
	ETag string // without quotation marks
	// Opaque says that the ETag is no digest of the contents, as SSE-KMS and
	// SSE-C make it depend on more than the bytes
	// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
	Opaque    bool
	Checksums []Checksum
}

// Checksum is one that S3 keeps of an object; the zero value if it keeps none.
type Checksum struct {
	Algorithm string // such as CRC64NVME
	Type      string // FullObject, or Composite: of the parts' checksums
	Value     string // base64; of a composite one with the number of parts
}

// The types of checksums. A composite one is of the parts' checksums, so that
// equal bytes in other parts have another one
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
const (
	FullObject = "FULL_OBJECT"
	Composite  = "COMPOSITE"
)

// InParts says that an object was uploaded in parts, on which its ETag
// depends: that ends with their number.
func (f Figures) InParts() bool { return strings.Contains(f.ETag, "-") }

// plain says that the ETag is a digest of the contents alone.
func (f Figures) plain() bool { return f.ETag != "" && !f.Opaque && !f.InParts() }

// FirstChecksum is one of the object's checksums, the zero value if there is
// none.
func (f Figures) FirstChecksum() Checksum {
	if len(f.Checksums) == 0 {
		return Checksum{}
	}
	return f.Checksums[0]
}

// Result is what comparing two objects comes to.
type Result int

// The results.
const (
	Same     Result = iota
	SameSize        // and nothing else could be compared
	Differ          // for certain
)

// Compare compares two objects. It claims no more than the figures show: where
// they do not decide, the result is SameSize. Why is a word for how they differ:
// size, checksum or etag.
func Compare(a, b Figures) (r Result, why string) {
	if a.Size != b.Size {
		return Differ, "size"
	}
	if a.ETag == b.ETag && a.ETag != "" {
		return Same, ""
	}
	equal := false
	for _, x := range a.Checksums {
		for _, y := range b.Checksums {
			switch {
			case x.Algorithm != y.Algorithm || x.Type != y.Type:
			case x.Value == y.Value:
				equal = true
			case x.Type == FullObject:
				return Differ, "checksum"
			}
		}
	}
	switch {
	case equal:
		return Same, ""
	case a.plain() && b.plain():
		return Differ, "etag"
	}
	return SameSize, ""
}
