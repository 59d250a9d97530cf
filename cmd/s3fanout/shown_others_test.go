package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// foreign are the shown commands that are neither s3fanout's nor make's, with
// the reason why no test types them, or with what does.
func foreign() map[string]string {
	return map[string]string{
		"aws lambda remove-permission":    "names a request that TestUpdatePutsBackWhatWasChangedByHand sends",
		"aws sns unsubscribe":             "as above",
		"aws s3api put-bucket-versioning": "names a request; TestUpdatePutsBackWhatWasChangedByHand suspends it",
		"aws s3api delete-bucket":         "names a request; TestUpdateMakesADeletedBucketAgain sends it",

		"aws s3api put-bucket-versioning --region ap-northeast-1 --bucket films-ap --versioning-configuration " +
			"Status=Enabled": "TestAdoptionPage sends its request",
		"aws s3api get-bucket-notification-configuration --region us-east-1 --bucket films-us": "as above",
		"aws s3api get-bucket-notification-configuration":                                      "as above",
		"aws s3 cp film.mp4 " +
			"s3://s3fanout-123456789012-us-east-1/films/1.mp4": "TestRealClients uploads as it does",
		`export PATH="$PWD/bin:$PATH"`: "sets a variable",
		"npm install --save-dev aws-cdk@2.1148.1": "npm ci, which make test " +
			"runs, installs the same version",
		"minisign -Vm checksums.txt -p packaging/s3fanout.pub": "needs the key of a release " +
			"that is signed",
		"sha256sum --check --ignore-missing " +
			"checksums.txt": "tools/release-proof.sh checks so",
		"tar -tzf s3fanout_VERSION_linux_amd64.tar.gz | cut -d / -f 2- | (cd /usr/local && sudo xargs rm)": "tools/release-proof.sh " +
			"removes what it unpacked so",
		"go install ./cmd/s3fanout": "is go build, " +
			"which make build does, to another place",
		"npm ci": "make test does it, " +
			"as the target node_modules",
		"aws sts get-caller-identity": "needs an AWS account",
		"aws sqs": "names a command of which the " +
			"page tells a peculiarity",
		"npx cdk bootstrap aws://ACCOUNT/us-east-1 aws://ACCOUNT/eu-west-1 aws://ACCOUNT/ap-northeast-1": "needs an AWS account",
		"npx cdk deploy 's3fanout-us-east-1*'": "needs an AWS account; " +
			"what it would deploy is run by the sandbox",
		"export AWS_CA_BUNDLE=/tmp/…/access-points.pem": "is what the sandbox says at " +
			"its start; its access points are asked in internal/proof/e2e",
		"export HTTPS_PROXY=http://127.0.0.1:34567":                           "as above",
		"aws s3 cp FILE s3://arn:aws:s3::123456789012:accesspoint/….mrap/KEY": "as above",
		"npx cdk diff s3fanout-access-point":                                  "needs an AWS account",
		"aws s3api delete-bucket-policy " +
			"--bucket BUCKET": "TestUpdatePutsBackWhatWasChangedByHand sends its request",
		"aws s3 cp film.mp4 s3://arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap/films/film.mp4": "needs an AWS account, " +
			"and its access point",
		"npx cdk deploy --all": "needs an AWS account; " +
			"what it would deploy is run by the sandbox",
		"aws iam get-role --role-name ROLE --query Role.RoleId --output text": "names a role of the reader's " +
			"own; the sandbox has it in TestRolesOfOnesOwn",
		"npx cdk synth --quiet": "make synth does it",
		"npx cdk publish-assets --all --unstable=publish-assets": "needs an AWS account; " +
			"TestTerraformDeploysEachStack reads what it would upload",
		"npx cdk diff": "needs an AWS account",
		"go test ./cmd/s3fanout -run Documented -update": "TestCommandsAreDocumented and TestCostIsDocumented compare " +
			"what it writes",
		"go test ./internal/proof/sim -run TestSchedules -sim.seed 4711 -v": "TestSeedsReplay replays seeds",
		"npx cdk destroy --all": "needs an AWS account; TestDestroyKeepsTheBuckets has the " +
			"sandbox do it",
		"npx cdk destroy s3fanout-audit": "needs an AWS account",

		"npx cdk bootstrap " +
			"aws://ACCOUNT/us-west-2": "needs an AWS account",
		"npx cdk deploy --exclusively 's3fanout-*-mesh'": "needs an AWS " +
			"account; CloudFormation alone keeps an export that is read",
		"npx cdk deploy --exclusively " +
			"s3fanout-us-east-1": "needs an AWS account",
		"npx cdk destroy --exclusively s3fanout-ap-northeast-1-mesh": "needs an AWS " +
			"account; TestRegionLeaves has the sandbox do it",
		"aws s3 sync s3://s3fanout-ACCOUNT-us-east-1 s3://media-ACCOUNT-us-east-1 " +
			"--region us-east-1": "TestAnotherNameIsAnotherReplicaSet copies as it does",
		"aws cloudformation delete-stack --region ap-northeast-1 --stack-name s3fanout-ap-northeast-1": "needs an AWS " +
			"account; TestRegionLeaves has the sandbox do it",
		"aws cloudformation wait stack-delete-complete --region ap-northeast-1 --stack-name " +
			"s3fanout-ap-northeast-1": "needs an AWS account",
		"go test ./internal/proof/projection -update":              "TestProjectionIsDocumented compares what it writes",
		"go test ./infra -update":                                  "changes the checkout; make test compares with what it writes",
		"go test ./cmd/s3fanout -count=1 -run TestBadInputRows -v": "make test runs that test",
		"ssh -L 8080:127.0.0.1:8080 HOST":                          "needs another machine",
		".ci/run":                                                  "is what runs the tests",
	}
}

// byHand are the targets of make that pages show and that .ci/run does not run,
// with the reason.
func byHand() map[string]string {
	return map[string]string{
		"help":             "lists the targets",
		"words":            "prints what TestPagesAreReadable counts",
		"bench":            "measures for minutes and asserts nothing",
		"load":             "takes eight minutes; make test-large has a smaller burst",
		"console":          "runs until it is interrupted; make console-browser runs its command and looks at the pages",
		"deploy":           "needs an AWS account",
		"release-snapshot": "takes long for all systems; make release-proof makes one for this machine",
		"sim-next":         "changes the checkout; TestSchedules runs the same simulation",
		"module":           "changes the checkout; TestRenamedModuleIsWhole does it to a copy",
		"smoke":            "needs an AWS account; make smoke-sandbox runs the same on the sandbox",
	}
}

// TestShownCommandsOfOthers leaves no command of a page unaccounted for: what is
// not s3fanout's is a target of make that .ci/run runs, or has a reason.
func TestShownCommandsOfOthers(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(root, ".ci/run"))
	if err != nil {
		t.Fatal(err)
	}
	needs := targets(string(makefile))
	run := map[string]bool{}
	var reach func(string)
	reach = func(target string) {
		if !run[target] {
			run[target] = true
			for _, n := range needs[target] {
				reach(n)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^step make ([a-z-]+)`).FindAllStringSubmatch(string(script), -1) {
		if _, ok := needs[m[1]]; !ok {
			t.Errorf(".ci/run makes %s, which is no target", m[1])
		}
		reach(m[1])
	}
	if !run["test"] || !run["build"] || run["deploy"] {
		t.Fatalf("what .ci/run makes is misread: %v", slices.Sorted(maps.Keys(run)))
	}

	reasons, hands := foreign(), byHand()
	unused, idle := maps.Clone(reasons), maps.Clone(hands)
	for _, s := range shownCommands(t) {
		if _, ok := ours(s.line); ok {
			continue
		}
		target, ok := strings.CutPrefix(s.line, "make ")
		if !ok {
			if reasons[s.line] == "" {
				t.Errorf("%s shows %q: no test runs it, and no reason is given; see foreign", s.page, s.line)
			}
			delete(unused, s.line)
			continue
		}
		target, _, _ = strings.Cut(target, " ") // the rest are variables
		_, known := needs[target]
		switch {
		case !known:
			t.Errorf("%s shows make %s, which is no target", s.page, target)
		case run[target] && hands[target] != "":
			t.Errorf("make %s has a reason not to be run by .ci/run, and is", target)
		case !run[target] && hands[target] == "":
			t.Errorf("%s shows make %s: .ci/run does not run it, and no reason is given; see byHand", s.page, target)
		}
		delete(idle, target)
	}
	for line := range unused {
		t.Errorf("%q is not on any page any more", line)
	}
	for target := range idle {
		t.Errorf("make %s is not on any page any more", target)
	}
}

// targets are those of a Makefile, with what each needs.
func targets(makefile string) map[string][]string {
	needs := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Za-z_/-]+):([^=\n#]*)`).FindAllStringSubmatch(makefile, -1) {
		needs[m[1]] = append(needs[m[1]], strings.Fields(m[2])...)
	}
	return needs
}
