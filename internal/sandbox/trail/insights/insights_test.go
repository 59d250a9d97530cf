package insights

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

func events() []Event {
	at := time.Date(2026, 11, 29, 15, 59, 0, 0, time.UTC)
	event := func(minutes int, pairs ...string) Event {
		e := Event{at.Add(time.Duration(minutes) * time.Minute), map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			e.Fields[pairs[i]] = pairs[i+1]
		}
		return e
	}
	return []Event{
		event(0, "k", "a", "n", "2", "who.arn", "role/one"),
		event(1, "k", "a b", "n", "10", "x-y", "v"),
		event(2, "k", `q"\`, "who.arn", "role/two"),
	}
}

func run(t *testing.T, query string) string {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		return "error: " + err.Error()
	}
	var rows []string
	for _, row := range q.Run(events()) {
		var cells []string
		for _, c := range row {
			if c.Field != "@ptr" {
				cells = append(cells, c.Field+"="+c.Value)
			}
		}
		rows = append(rows, strings.Join(cells, " "))
	}
	return strings.Join(rows, "; ")
}

func TestQueries(t *testing.T) {
	for query, want := range map[string]string{
		"fields k":                                                `k=a; k=a b; k=q"\`,
		"fields k, n | sort n desc":                               `k=a b n=10; k=a n=2; k=q"\`,
		"fields k | sort k desc | limit 1":                        `k=q"\`,
		`fields k | filter k = "a"`:                               "k=a",
		`fields k | filter k = "q\"\\"`:                           `k=q"\`,
		`fields k | filter k like /^a.b$/`:                        "k=a b",
		`fields k | filter k like /^a/ and not k = "a"`:           "k=a b",
		`fields k | filter k not like /b/ and ispresent(n)`:       "k=a",
		"fields `x-y` | filter ispresent(`x-y`)":                  "x-y=v",
		`fields k | filter who.arn in ["role/two", "x"] or n = 2`: `k=a; k=q"\`,
		`fields k | filter k != "a" and n != "x"`:                 "k=a b",
		`fields strcontains(who.arn, "one") as one, 1 - strcontains(who.arn, "one") as other | stats sum(one) as ones, sum(other) as ` +
			`others, count(*) by bin(1h)`: "bin(1h)=2026-11-29 15:00:00.000 ones=1 others=0 count(*)=1; bin(1h)=2026-11-29 16:00:00.000 " +
			"ones=0 others=2 count(*)=2",
		`fields k, strcontains("|role/one|role/x|", concat("|", who.arn, ` +
			`"|")) as one`: `k=a one=1; k=a b one=0; k=q"\ one=0`,
		`fields k | filter (k = "a" or k = "a b") and ` +
			`strcontains(k, " ") = 1`: "k=a b",

		"parse @message '*'": `error: the sandbox's Logs Insights has no command "parse"; it has fields, filter, sort, ` +
			`stats and limit`,
		"fields upper(k)": `error: the sandbox's Logs Insights has no function "upper"; it has ispresent, strcontains, ` +
			`concat and bin`,
		"stats avg(n)":             `error: the sandbox's stats has no "avg"; it has count and sum`,
		"fields k | filter k > 5":  `error: '>' at character 21 is nothing that the sandbox's Logs Insights knows`,
		`fields k | filter k = "a`: `error: a " is not closed`,
		"fields k limit 5":         `error: "limit" is where "|" has to be`,
		"fields k | limit 0":       "error: limit takes a number from 1 to 10000",
		"fields k | limit 10001":   "error: limit takes a number from 1 to 10000",
		"stats count(*) | sort k":  "error: the sandbox has no command after stats but limit",
		"filter k like /[/":        "error: the pattern \"[\": error parsing regexp: missing closing ]: `[`",
		"":                         "error: the end of the query is where a command has to be",
		"filter ispresent(k, n)":   "error: ispresent takes 1 arguments, not 2",
		"filter concat()":          `error: ")" is where a field, a text or a number has to be`,
		"fields k | filter and":    `error: "and" is where a field has to be`,
	} {
		if got := run(t, query); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", query, got, want)
		}
	}
}

// The saved queries of a trail, and those of the command for any key, are known here.
func TestSavedQueriesAreKnown(t *testing.T) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AuditTrail: &replicaset.AuditTrail{}}
	texts := []string{replicaset.AuditKeyQuery("a\x1b\"\\/ b\n| limit 1"), replicaset.AuditKeyQuery("films/ä.mp4"),
		replicaset.AuditDeletionsQuery([]time.Time{time.Unix(0, 0)})}
	for _, q := range set.AuditQueries("111122223333") {
		texts = append(texts, q.Text)
	}
	for _, text := range texts {
		if _, err := Parse(text); err != nil {
			t.Errorf("%v:\n%s", err, text)
		}
	}
}

// A key with whatever character in it is found by its query, and one with another is not.
func TestKeysAreFound(t *testing.T) {
	for _, key := range []string{"films/one.mp4", "two\nlines", "a\r\u2028b\x00", `"\/$^.*[`, "ä", "日\n"} {
		q, err := Parse(replicaset.AuditKeyQuery(key))
		if err != nil {
			t.Fatal(err)
		}
		other := Event{Fields: map[string]string{"eventName": "DeleteObjects"}}
		rows := q.Run([]Event{other, {Fields: map[string]string{"eventName": "PutObject", "requestParameters.key": key}}})
		if len(rows) != 1 {
			t.Errorf("%q: %d rows, want one", key, len(rows))
		}
	}
}

// Who has the functions' session names in roles or paths of their own is not taken for
// the functions.
func TestSavedQueriesTellTheFunctionsFromOthers(t *testing.T) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AuditTrail: &replicaset.AuditTrail{},
		Reconcile: &replicaset.Reconcile{Copy: true}}
	const sts = "arn:aws:sts::111122223333:assumed-role/"
	for who, own := range map[string]bool{
		sts + "media-replicator-us-east-1/media-replicator":           true,
		sts + "media-replicator-eu-west-1/media-replicator-reconcile": true,
		sts + "media-replicator-eu-west-1/media-replicator-operator":  true,
		sts + "developer/media-replicator":                            false,
		sts + "developer/media-replicator-operator":                   false,
		sts + "media-replicator-us-east-1/jo":                         false,
		sts + "media-replicator-us-east-1/media-replicators":          false,
		sts: false,
		"arn:aws:iam::111122223333:user/media-replicators/eve": false,
		"arn:aws:iam::111122223333:user/|/media-replicator":    false,
		"|": false,
		"":  false, // none
	} {
		fields := map[string]string{"eventName": "PutObject", "awsRegion": "us-east-1", "requestParameters.Host": "media.s3.amazonaws.com"}
		if who != "" {
			fields["userIdentity.arn"] = who
		}
		for _, saved := range set.AuditQueries("111122223333") {
			q, err := Parse(saved.Text)
			if err != nil {
				t.Fatal(err)
			}
			rows := q.Run([]Event{{Fields: fields}})
			switch saved.ID {
			case "QueryDirect":
				if (len(rows) == 0) != own {
					t.Errorf("%q: %d writes by a bucket's name, want it %t that the set copies", who, len(rows), own)
				}
			case "QueryUploads":
				replicas := map[bool]string{true: "1", false: "0"}[own]
				if len(rows) != 1 || !slices.Contains(rows[0], Cell{"replicas", replicas}) ||
					slices.Contains(rows[0], Cell{"uploads", replicas}) {
					t.Errorf("%q: %v, want %s replicas", who, rows, replicas)
				}
			}
		}
	}
}

// Whatever a query is, it is answered or refused.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"fields a | filter b = \"c\"", "stats count(*) by bin(1h)", "filter a like /x/", "fields `a-b`, 1 - 2 as c | limit 5",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, query string) {
		q, err := Parse(query)
		if err == nil {
			_ = fmt.Sprint(q.Run(events()))
		}
	})
}
