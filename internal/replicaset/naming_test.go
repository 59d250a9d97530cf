package replicaset

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"s3fanout/internal/proof/buildinput"
	"s3fanout/internal/proof/gosource"
)

// Nobody but this package puts the names of a set's parts together, and nobody
// but it and functionenv, which reads the function's environment, makes a
// Member: else a member that has another bucket, or another account, would be
// looked for under a name that it does not have.
func TestNobodyElseComputesNames(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := buildinput.Declare(t.Context(), root, "./..."); err != nil {
		t.Fatal(err)
	}
	// AWS names what it is asked to make, and events of tests and benchmarks come from
	// buckets that no set has.
	free := []string{
		"internal/replicaset", "internal/function/functionenv", "internal/function/event/eventtest", "internal/sandbox",
		"internal/proof/bench",
	}
	files := 0
	err = gosource.Walk(root, func(name string, source []byte) error {
		if gosource.IsTest(name) || slices.ContainsFunc(free, func(dir string) bool { return strings.HasPrefix(name, dir+"/") }) {
			return nil
		}
		files++
		for _, found := range namesComputed(t, name, string(source)) {
			t.Errorf("%s; ask a replicaset.Member, or the Config for what all Regions name alike", found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Fatalf("%d files read in %s: that is not the whole module", files, root)
	}
}

// The search finds each way in which names were once computed, and lets pass
// what only looks like it.
func TestComputedNamesAreFound(t *testing.T) {
	for code, want := range map[string]int{
		`set.Name + "-" + account + "-" + region`:                                        1,
		`c.Name + "-" + c.AccountID + "-" + m.Region + "-an"`:                            1,
		`fmt.Sprintf("%s-%s-%s", name, o.Account, region)`:                               1,
		`set.Name + "-replicator"`:                                                       1,
		`set.Name + "-replicator-" + where`:                                              1,
		`fmt.Sprintf("%s-dead-letters", name)`:                                           1,
		`"arn:" + partition + ":sns:" + where + ":" + owner + ":" + topic`:               1,
		`"arn:aws:s3:::" + bucket`:                                                       1,
		`fmt.Sprintf("arn:%s:s3:::%s", partition, bucket)`:                               1,
		`replicaset.Member{Region: region, Bucket: name}`:                                1,
		`[]replicaset.Member{set.Member(account, region), set.Members(account)[0]}`:      0,
		`map[string]replicaset.Member{}`:                                                 0,
		`set.Member(account, region).Bucket + "/" + key`:                                 0,
		`"replica set " + set.Name + " of account " + account`:                           0,
		`fmt.Sprintf("use one such as arn:%s:iam::111122223333:role/operators in %s",a)`: 0,
		`strings.HasPrefix(initiator, "arn:")`:                                           0,
		`"copies to " + region`:                                                          0,
	} {
		if got := namesComputed(t, "x.go", "package p\nvar _ = "+code); len(got) != want {
			t.Errorf("%s: found %q, want %d", code, got, want)
		}
	}
}

// namesComputed says where a file's code puts a name or an ARN together.
func namesComputed(t *testing.T, name, source string) []string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		var parts []ast.Expr
		switch n := n.(type) {
		case *ast.CompositeLit:
			if s, ok := n.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Member" && isNamed(s.X, "replicaset") {
				found = append(found, fset.Position(n.Pos()).String()+" makes a Member")
			}
			return true
		case *ast.BinaryExpr:
			if n.Op != token.ADD {
				return true
			}
			parts = operands(n)
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); !ok || s.Sel.Name != "Sprintf" {
				return true
			}
			parts = n.Args
		default:
			return true
		}
		if what := computed(parts); what != "" {
			found = append(found, fset.Position(n.Pos()).String()+" puts "+what+" together")
			return false
		}
		return true
	})
	return found
}

// computed says what the parts of a text make, if that is a name or an ARN.
func computed(parts []ast.Expr) string {
	ours := []string{
		Config{}.TopicName(), Config{}.AlarmTopicName(), Config{}.QueueName(), Config{}.FunctionName(), Config{}.ReconcilerName(),
		Member{}.JobRoleName(),
	}
	arn := regexp.MustCompile(`^arn:($|[a-z%-]+:)`)
	words, account, region := false, false, false
	for _, part := range parts {
		switch part := part.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(part.Value)
			if err != nil {
				continue
			}
			if arn.MatchString(text) {
				return "an ARN"
			}
			words = words || strings.ContainsAny(text, " /")
			for _, name := range ours {
				if strings.HasPrefix(text, name) || strings.Contains(text, "%s"+name) {
					return "a name with " + name
				}
			}
		case *ast.Ident, *ast.SelectorExpr:
			id := strings.ToLower(lastName(part))
			account = account || strings.HasSuffix(strings.TrimSuffix(id, "id"), "account")
			region = region || id == "region"
		}
	}
	if account && region && !words {
		return "a name of account and Region"
	}
	return ""
}

func operands(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op == token.ADD {
		return append(operands(b.X), operands(b.Y)...)
	}
	return []ast.Expr{e}
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func isNamed(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
