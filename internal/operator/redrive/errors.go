package redrive

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// expired says that a message is no longer held by the receipt handle: its
// time ran out, somebody deleted it, or it was held for 12 hours, which is all
// that SQS allows. Then there is nothing to release.
func expired(err error) bool {
	var notInFlight *types.MessageNotInflight
	var invalid *types.ReceiptHandleIsInvalid
	var api smithy.APIError
	return errors.As(err, &notInFlight) || errors.As(err, &invalid) ||
		errors.As(err, &api) && slices.Contains([]string{"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"},
			strings.TrimPrefix(api.ErrorCode(), "AWS.SimpleQueueService."))
}
