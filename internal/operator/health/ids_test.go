package health

import (
	"slices"
	"strings"
	"testing"
)

// TestIDsStay holds the IDs that doctor's JSON has had since the first release:
// others read them, whatever a check is called in the code.
func TestIDsStay(t *testing.T) {
	var have []string
	for _, info := range Checks() {
		have = append(have, info.ID)
	}
	for id := range strings.FieldsSeq(`region-access clock opt-in-region region-deployed
		bucket bucket-region bucket-versioning bucket-notification bucket-notification-filter bucket-unfinished-uploads bucket-encryption
		topic topic-policy topic-encryption subscription subscription-confirmed subscription-echo-filter subscription-filter
		subscription-dead-letters subscription-own-function subscription-unexpected
		function function-state function-role function-environment function-settings function-concurrency function-failures
		function-retries function-permission function-tracing role role-trust role-permissions role-attached-policies role-boundary
		batch-role batch-role-trust batch-role-permissions queue queue-policy queue-encryption queue-retention dead-letters`) {
		if !slices.Contains(have, id) {
			t.Errorf("no check has the ID %s any more", id)
		}
	}
}
