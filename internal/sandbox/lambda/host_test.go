package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/stats"
)

// hostFile is the variable that tells host where the function makes a file.
const hostFile = "TEST_FILE"

// host is a process that runs one function, prints the function's process id,
// lets it hang and then waits to be killed.
func host() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	binary, err := os.Executable()
	fail(err)
	store := iam.NewStore("aws", account)
	d, err := iam.ParseDocument([]byte(trust))
	fail(err)
	role, err := store.CreateRole(iam.RoleConfig{Name: "role", Trust: d})
	fail(err)
	s := New(Config{
		Partition: "aws", AccountID: account, Endpoint: "http://127.0.0.1:4566", LogDir: os.TempDir(), Store: store,
		Queues: sqs.New(sqs.Config{Partition: "aws", AccountID: account}), Counters: stats.New([]string{region}),
		Faults: fault.New([]string{region}, 1),
	})
	arn, err := s.CreateFunction(region, FunctionConfig{
		Name: "f", Program: binary, RoleARN: role.ARN, Runtime: "provided.al2023", Handler: "bootstrap", Architectures: []string{"arm64"},
		Timeout: 30 * time.Second, Environment: map[string]string{testFunction: "yes"},
	})
	fail(err)
	_, admin, _ := store.Lookup(store.Admin().AccessKeyID)
	r, err := s.Invoke(context.Background(), admin, arn, payload(order{Do: "report"}))
	fail(err)
	var got report
	fail(json.Unmarshal(r.Payload, &got))
	fmt.Println(got.PID)
	_, err = s.Invoke(context.Background(), admin, arn, payload(order{Do: "hang", File: os.Getenv(hostFile)}))
	fail(err)
}
