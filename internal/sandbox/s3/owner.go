package s3

import (
	"net/http"
	"regexp"
)

// owner is the account that a bucket belongs to.
func (s *Service) owner(bucket string) string {
	if s.config.Owner != nil {
		if account := s.config.Owner(bucket); account != "" {
			return account
		}
	}
	return s.config.AccountID
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// expectOwner holds what a request's header says of the owner of a bucket
// against who owns it. A request without the header expects nobody
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html).
func expectOwner(header http.Header, name, owner string) error {
	switch expected := header.Get(name); {
	case expected == "" || expected == owner:
		return nil
	case !accountID.MatchString(expected):
		return badRequest("InvalidBucketOwnerAWSAccountID", "The value of the expected bucket owner parameter must be an AWS account ID.")
	}
	return errAccessDenied("Access Denied")
}
