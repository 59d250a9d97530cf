package awsapi

// Action is the IAM action that the failed request needs, such as
// s3:ListBucket; empty if it is not known.
func (f *Failure) Action() string {
	if action := actionOf(f.cause); action != noAction {
		return action
	}
	return ""
}
