package copier

import (
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// restore makes a copy by one request an object of its own: see Restoring. One
// request either copies the properties or names them all, so that they are named
// only where there is an entry to leave out.
func restore(in *s3.CopyObjectInput, head *s3.HeadObjectOutput, entry string) ([]func(*s3.Options), error) {
	in.WebsiteRedirectLocation = head.WebsiteRedirectLocation
	if _, has := head.Metadata[entry]; !has {
		return nil, nil
	}
	if hidesMetadata(head) {
		return nil, permanent{
			errors.New("the object has user metadata that HTTP headers cannot show, and would lose it: copy this version yourself"),
		}
	}
	return []func(*s3.Options){nameProperties(in, head, without(head.Metadata, entry))}, nil
}

// without is metadata without an entry; the map that is given stays as it is.
func without(metadata map[string]string, entry string) map[string]string {
	rest := maps.Clone(metadata)
	delete(rest, entry)
	return rest
}
