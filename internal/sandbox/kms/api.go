package kms

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

const (
	targetPrefix = "TrentService." // what KMS is called in its protocol
	contentType  = "application/x-amz-json-1.1"
	maxBody      = 1 << 16
)

// apiError is an error as KMS answers it
// (https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html).
type apiError struct{ code, message string }

func (e *apiError) Error() string { return e.code + ": " + e.message }

// input are the parameters of both operations. The only policy of a key is
// called default.
type input struct {
	KeyID      string `json:"KeyId"`
	PolicyName string
}

// operations returns what KMS answers here.
func operations() map[string]func(*Service, iam.Caller, string, input) (any, error) {
	return map[string]func(*Service, iam.Caller, string, input) (any, error){
		"DescribeKey": (*Service).describeKey, "GetKeyPolicy": (*Service).getKeyPolicy,
	}
}

// ServeAPI answers a request of KMS's AWS JSON 1.1 protocol that is already
// authenticated as caller, in the Region of its signature: DescribeKey and
// GetKeyPolicy. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	answer, err := s.serve(w, r, region, caller)
	w.Header().Set("Content-Type", contentType)
	if err != nil {
		var e *apiError
		status := http.StatusBadRequest
		if !errors.As(err, &e) {
			e, status = &apiError{"KMSInternalException", err.Error()}, http.StatusInternalServerError
		}
		w.WriteHeader(status)
		answer = map[string]string{"__type": e.code, "message": e.message}
	}
	_ = json.NewEncoder(w).Encode(answer) // the client has gone if this fails
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) (any, error) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	op, ok := operations()[name]
	if !ok {
		return nil, &apiError{
			"UnsupportedOperationException",
			"The sandbox's KMS has no operation " + name + "; it has DescribeKey and GetKeyPolicy.",
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, &apiError{"ValidationException", "Cannot read the request: " + err.Error()}
	}
	var in input
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return nil, &apiError{"ValidationException", err.Error()}
	}
	return op(s, caller, region, in)
}

// find returns a key that the caller may do the action with.
func (s *Service) find(caller iam.Caller, region, name, action string) (arn string, err error) {
	if arn, err = s.Resolve(region, name); err != nil {
		return "", &apiError{"NotFoundException", "Key '" + name + "' does not exist"}
	}
	if err := s.Authorize(caller, arn, Use{}, action); err != nil {
		return "", &apiError{"AccessDeniedException", err.Error()}
	}
	return arn, nil
}

// describeKey answers as
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html says.
// A key here is always one of the customer's, and enabled.
func (s *Service) describeKey(caller iam.Caller, region string, in input) (any, error) {
	arn, err := s.find(caller, region, in.KeyID, "kms:DescribeKey")
	if err != nil {
		return nil, err
	}
	_, id, _ := strings.Cut(arn, ":key/")
	return map[string]any{"KeyMetadata": map[string]any{
		"AWSAccountId": s.accountID, "KeyId": id, "Arn": arn, "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER",
		"Origin": "AWS_KMS", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT",
		"EncryptionAlgorithms": []string{"SYMMETRIC_DEFAULT"},
	}}, nil
}

// getKeyPolicy answers as
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html says.
func (s *Service) getKeyPolicy(caller iam.Caller, region string, in input) (any, error) {
	if in.PolicyName != "" && in.PolicyName != "default" {
		return nil, &apiError{"NotFoundException", "No such policy exists"}
	}
	if strings.HasPrefix(in.KeyID, "alias/") {
		return nil, &apiError{"NotFoundException", "Invalid keyId " + in.KeyID}
	}
	arn, err := s.find(caller, region, in.KeyID, "kms:GetKeyPolicy")
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	k := s.keys[arn]
	if k == nil {
		return nil, &apiError{"NotFoundException", "Key '" + in.KeyID + "' does not exist"}
	}
	return map[string]string{"Policy": k.policy.Text(), "PolicyName": "default"}, nil
}
