package document

import "time"

// Batch is what backfill --batch-operations --output json writes. Its
// names are stable.
type Batch struct {
	ReplicaSet string     `json:"replicaSet"`
	DryRun     bool       `json:"dryRun"`
	Jobs       []BatchJob `json:"jobs"`
}

// BatchJob is a job that was made, or would be.
type BatchJob struct {
	Region       string      `json:"region"`
	TargetRegion string      `json:"targetRegion"`
	Prefix       string      `json:"prefix,omitempty"`
	Suffix       string      `json:"suffix,omitempty"`
	JobID        string      `json:"jobId,omitempty"`
	Request      *BatchInput `json:"request,omitempty"`
	Error        string      `json:"error,omitempty"`
}

// BatchInput is the request in AWS's own JSON, which the SDK's type does not
// write: aws s3control create-job takes it as --cli-input-json.
type BatchInput struct {
	AccountID            string `json:"AccountId"`
	ConfirmationRequired bool
	Operation            struct {
		LambdaInvoke struct {
			FunctionArn             string
			InvocationSchemaVersion string
			UserArguments           map[string]string
		}
	}
	Report            BatchReport
	Description       string
	Priority          int32
	RoleArn           string
	ManifestGenerator struct{ S3JobManifestGenerator BatchGenerator }
}

// BatchReport is where S3 writes what failed.
type BatchReport struct {
	Enabled             bool
	Bucket              string `json:",omitempty"`
	ExpectedBucketOwner string `json:",omitempty"`
	Format              string `json:",omitempty"`
	Prefix              string `json:",omitempty"`
	ReportScope         string `json:",omitempty"`
}

// BatchGenerator says what S3 lists for the job.
type BatchGenerator struct {
	ExpectedBucketOwner  string
	SourceBucket         string
	EnableManifestOutput bool
	Filter               *BatchFilter `json:",omitempty"`
}

// BatchFilter chooses of that.
type BatchFilter struct {
	CreatedBefore     *time.Time `json:",omitempty"`
	KeyNameConstraint *struct {
		MatchAnyPrefix []string
	} `json:",omitempty"`
}

// BatchStatus is what backfill --job --output json writes. Its names are stable.
type BatchStatus struct {
	Region       string     `json:"region"`
	JobID        string     `json:"jobId"`
	Status       string     `json:"status"`
	TargetRegion string     `json:"targetRegion,omitempty"`
	Tasks        int64      `json:"tasks"`
	Succeeded    int64      `json:"succeeded"`
	Failed       int64      `json:"failed"`
	Created      *time.Time `json:"created,omitempty"`
	Ended        *time.Time `json:"ended,omitempty"`
	Reasons      []string   `json:"reasons"`
	Report       string     `json:"report,omitempty"`
}
