package filterpolicy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustParse(t testing.TB, policy, scope string) *Policy {
	t.Helper()
	p, err := Parse([]byte(policy), scope)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMatchBody(t *testing.T) {
	for _, tt := range []struct {
		name, policy, body string
		want               bool
	}{
		{"exact", `{"a":["x","y"]}`, `{"a":"y"}`, true},
		{"exact, other", `{"a":["x","y"]}`, `{"a":"z"}`, false},
		{"exact, other case", `{"a":["x"]}`, `{"a":"X"}`, false},
		{"missing key", `{"a":["x"]}`, `{"b":"x"}`, false},
		{"both keys", `{"a":["x"],"b":["y"]}`, `{"a":"x","b":"y","c":1}`, true},
		{"one of both keys", `{"a":["x"],"b":["y"]}`, `{"a":"x","b":"x"}`, false},
		{"number", `{"a":[1]}`, `{"a":1.0}`, true},
		{"number, five digits", `{"a":[0.123456]}`, `{"a":0.123459}`, true},
		{"number is no text", `{"a":[1]}`, `{"a":"1"}`, false},
		{"boolean", `{"a":[true]}`, `{"a":true}`, true},
		{"boolean is no text", `{"a":[true]}`, `{"a":"true"}`, false},
		{"null", `{"a":[null]}`, `{"a":null}`, true},
		{"null is not missing", `{"a":[null]}`, `{}`, false},
		{"list in the body", `{"a":["x"]}`, `{"a":["y","x"]}`, true},
		{"list of lists", `{"a":["x"]}`, `{"a":[["y"],["x"]]}`, true},
		{"empty list", `{"a":["x"]}`, `{"a":[]}`, false},
		{"object is no value", `{"a":["x"]}`, `{"a":{"x":"x"}}`, false},
		{"nested", `{"a":{"b":{"c":["x"]}}}`, `{"a":{"b":{"c":"x"}}}`, true},
		{"nested, missing", `{"a":{"b":{"c":["x"]}}}`, `{"a":{"b":1}}`, false},
		{"nested in a list of objects", `{"a":{"b":["x"]}}`, `{"a":[{"b":"y"},{"b":"x"}]}`, true},
		{"nested in lists of lists", `{"a":{"b":["x"]}}`, `{"a":[[{"b":"x"}]]}`, true},
		{"dots are part of a name", `{"a.b":["x"]}`, `{"a":{"b":"x"}}`, false},

		{"prefix", `{"a":[{"prefix":"bas"}]}`, `{"a":"baseball"}`, true},
		{"prefix, other", `{"a":[{"prefix":"bas"}]}`, `{"a":"rugby"}`, false},
		{"prefix of a number", `{"a":[{"prefix":"1"}]}`, `{"a":12}`, false},
		{"suffix", `{"a":[{"suffix":"ball"}]}`, `{"a":"baseball"}`, true},
		{"suffix, other", `{"a":[{"suffix":"ball"}]}`, `{"a":"ballet"}`, false},
		{"equals-ignore-case", `{"a":[{"equals-ignore-case":"Tennis"}]}`, `{"a":"TENNIS"}`, true},
		{"equals-ignore-case, other", `{"a":[{"equals-ignore-case":"tennis"}]}`, `{"a":"tenni"}`, false},

		{"anything-but", `{"a":[{"anything-but":["rugby","tennis"]}]}`, `{"a":"baseball"}`, true},
		{"anything-but, listed", `{"a":[{"anything-but":["rugby","tennis"]}]}`, `{"a":"tennis"}`, false},
		{"anything-but, scalar", `{"a":[{"anything-but":"rugby"}]}`, `{"a":"rugby"}`, false},
		{"anything-but, number", `{"a":[{"anything-but":[100,500]}]}`, `{"a":101}`, true},
		{"anything-but, listed number", `{"a":[{"anything-but":[100,500]}]}`, `{"a":100}`, false},
		{"anything-but, one element is not listed", `{"a":[{"anything-but":["rugby","tennis"]}]}`, `{"a":["rugby","baseball"]}`, true},
		{"anything-but, all elements are listed", `{"a":[{"anything-but":["rugby","tennis"]}]}`, `{"a":["rugby","tennis"]}`, false},
		{"anything-but, missing", `{"a":[{"anything-but":"rugby"}]}`, `{"b":"x"}`, false},
		{"anything-but, null", `{"a":[{"anything-but":"rugby"}]}`, `{"a":null}`, false},
		{"anything-but or missing", `{"a":[{"anything-but":"rugby"},{"exists":false}]}`, `{"b":"x"}`, true},
		{"anything-but prefix", `{"a":[{"anything-but":{"prefix":"order-"}}]}`, `{"a":"order_number"}`, true},
		{"anything-but prefix, begins so", `{"a":[{"anything-but":{"prefix":"order-"}}]}`, `{"a":"order-cancelled"}`, false},
		{"anything-but prefix, missing", `{"a":[{"anything-but":{"prefix":"order-"}}]}`, `{}`, false},
		{"anything-but prefix, number", `{"a":[{"anything-but":{"prefix":"1"}}]}`, `{"a":12}`, true},

		{"exists", `{"a":[{"exists":true}]}`, `{"a":0}`, true},
		{"exists, missing", `{"a":[{"exists":true}]}`, `{"b":0}`, false},
		{"exists, null", `{"a":[{"exists":true}]}`, `{"a":null}`, false},
		{"exists, empty", `{"a":[{"exists":true}]}`, `{"a":""}`, false},
		{"exists not", `{"a":[{"exists":false}]}`, `{"b":0}`, true},
		{"exists not, but is there", `{"a":[{"exists":false}]}`, `{"a":0}`, false},
		{"exists not, nested", `{"a":{"b":[{"exists":false}]}}`, `{"a":{"c":1}}`, true},

		{"numeric", `{"a":[{"numeric":["=",301.5]}]}`, `{"a":3.015e2}`, true},
		{"numeric, text", `{"a":[{"numeric":["=",1]}]}`, `{"a":"1"}`, false},
		{"numeric range", `{"a":[{"numeric":[">",0,"<=",150]}]}`, `{"a":150}`, true},
		{"numeric range, below", `{"a":[{"numeric":[">",0,"<=",150]}]}`, `{"a":0}`, false},
		{"numeric range, above", `{"a":[{"numeric":[">=",0,"<",150]}]}`, `{"a":150}`, false},
		{"numeric, negative", `{"a":[{"numeric":["<",0]}]}`, `{"a":-0.00001}`, true},

		{"cidr", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.255"}`, true},
		{"cidr, outside", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.1.1.0"}`, false},
		{"cidr, no address", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0"}`, false},
		{"cidr, IPv6", `{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:db8::1"}`, true},

		{"$or, first", `{"s":["cw"],"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"s":"cw","a":"x"}`, true},
		{"$or, second", `{"s":["cw"],"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"s":"cw","b":"y"}`, true},
		{"$or, none", `{"s":["cw"],"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"s":"cw","b":"x"}`, false},
		{"$or does not replace and", `{"s":["cw"],"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"s":"no","b":"y"}`, false},
		{"$or, nested", `{"d":{"$or":[{"a":["x"]},{"b":["y"]}]}}`, `{"d":{"b":"y"}}`, true},
		{"$or of one is a key", `{"$or":["x"]}`, `{"$or":"x"}`, true},
		{"$or of operators is a key", `{"$or":[{"prefix":"x"},{"suffix":"y"}]}`, `{"$or":"ay"}`, true},

		{"not JSON", `{"a":[{"exists":false}]}`, `hello`, false},
		{"not an object", `{"a":[{"exists":false}]}`, `[{"a":1}]`, false},
		{"null body", `{"a":[{"exists":false}]}`, `null`, false},
		{"cut off", `{"a":["x"]}`, `{"a":"x"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustParse(t, tt.policy, MessageBody).MatchBody([]byte(tt.body)); got != tt.want {
				t.Errorf("MatchBody(%s) = %v for %s, want %v", tt.body, got, tt.policy, tt.want)
			}
		})
	}
}

// The policy that keeps a replica's own event from waking functions.
func TestS3Event(t *testing.T) {
	p := mustParse(t, `{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:AROAEXAMPLE:"}}]}}}`, MessageBody)
	record := func(id string) string {
		return `{"userIdentity":{"principalId":"` + id + `"},"s3":{"object":{"key":"k"}}}`
	}
	echo, upload := record("AWS:AROAEXAMPLE:replicator"), record("AWS:AIDAEXAMPLE")
	for _, tt := range []struct {
		name, body string
		want       bool
	}{
		{"upload", `{"Records":[` + upload + `]}`, true},
		{"echo", `{"Records":[` + echo + `]}`, false},
		{"another role with a longer id", `{"Records":[` + record("AWS:AROAEXAMPLEX:replicator") + `]}`, true},
		{"two echoes", `{"Records":[` + echo + `,` + echo + `]}`, false},
		{"an upload among echoes", `{"Records":[` + echo + `,` + upload + `]}`, true},
		{"no records", `{"Records":[]}`, false},
		{"test event", `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := p.MatchBody([]byte(tt.body)); got != tt.want {
				t.Errorf("MatchBody = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMatchAttributes(t *testing.T) {
	for _, tt := range []struct {
		policy     string
		attributes map[string]string
		want       bool
	}{
		{`{"a":["x"]}`, map[string]string{"a": "x", "b": "y"}, true},
		{`{"a":["x"]}`, map[string]string{"b": "x"}, false},
		{`{"a":[{"prefix":"x"}]}`, map[string]string{"a": "xy"}, true},
		{`{"a":[1]}`, map[string]string{"a": "1"}, false},
		{`{"a":[{"exists":false}]}`, map[string]string{"b": "x"}, true},
		{`{"a":[{"exists":false}]}`, nil, false},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, map[string]string{"b": "y"}, true},
	} {
		if got := mustParse(t, tt.policy, "").MatchAttributes(tt.attributes); got != tt.want {
			t.Errorf("%s, %v: %v, want %v", tt.policy, tt.attributes, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	list := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`"v",`, n), ",") + "]"
	}
	for _, tt := range []struct{ name, policy, scope, want string }{
		{"scope", `{"a":["x"]}`, "Body", `FilterPolicyScope: "Body" is neither`},
		{"not JSON", `{`, MessageBody, "FilterPolicy: not valid JSON"},
		{"not an object", `["x"]`, MessageBody, "not an object"},
		{"empty", `{}`, MessageBody, "an empty object is not allowed"},
		{"empty nested", `{"a":{}}`, MessageBody, `"a": an empty object is not allowed`},
		{"value without a list", `{"a":"x"}`, MessageBody, `"a" must be an object or an array`},
		{"empty list", `{"a":[]}`, MessageBody, `"a": empty arrays are not allowed`},
		{"list in a list", `{"a":[["x"]]}`, MessageBody, "match value must be String, number, true, false, or null"},
		{"same key twice", `{"a":["x"],"a":["y"]}`, MessageBody, `"a" is there twice`},
		{"nested attributes", `{"a":{"b":["x"]}}`, MessageAttributes, "MessageAttributes does not support nested filter policy"},
		{"six keys", `{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}`, "", "has 6 keys; 5 are allowed"},
		{"six nested keys", `{"z":{"a":["x"],"b":["x"],"c":["x"]},"y":{"d":["x"],"e":["x"],"f":["x"]}}`, MessageBody, "has 6 keys"},
		{"too many values", `{"a":` + list(151) + `}`, MessageBody, "it has 151 combinations of values; 150 are allowed"},
		{"too many combinations", `{"a":` + list(13) + `,"b":` + list(12) + `}`, MessageBody, "156 combinations"},
		{"depth counts", `{"a":{"b":{"c":` + list(4) + `}},"d":{"e":` + list(7) + `}}`, MessageBody, "168 combinations"},
		{"choices add up", `{"a":` + list(10) + `,"$or":[{"b":` + list(8) + `},{"c":` + list(8) + `}]}`, "", "160 combinations"},
		{"unknown operator", `{"a":[{"wildcard":"*"}]}`, MessageBody, `"a": wildcard: unrecognized match type`},
		{"two operators", `{"a":[{"prefix":"x","suffix":"y"}]}`, MessageBody, "only one key allowed in match expression"},
		{"prefix number", `{"a":[{"prefix":1}]}`, MessageBody, "prefix: match pattern must be a string"},
		{"prefix list", `{"a":[{"prefix":["x"]}]}`, MessageBody, "prefix: match pattern must be a string"},
		{"prefix empty", `{"a":[{"prefix":""}]}`, MessageBody, "match pattern must not be empty"},
		{"prefix ignoring case", `{"a":[{"prefix":{"equals-ignore-case":"x"}}]}`, MessageBody, "match pattern must be a string"},
		{"anything-but suffix", `{"a":[{"anything-but":{"suffix":"x"}}]}`, MessageBody,
			"anything-but: unsupported anything-but pattern: suffix"},
		{"anything-but two", `{"a":[{"anything-but":{"prefix":"x","suffix":"y"}}]}`, MessageBody,
			"unsupported anything-but pattern: prefix, suffix"},
		{"anything-but prefix list", `{"a":[{"anything-but":{"prefix":["x"]}}]}`, MessageBody,
			"anything-but: prefix: match pattern must be a string"},
		{"anything-but prefix empty", `{"a":[{"anything-but":{"prefix":""}}]}`, MessageBody, "must not be empty"},
		{"anything-but nothing", `{"a":[{"anything-but":[]}]}`, MessageBody, "empty arrays are not allowed"},
		{"anything-but null", `{"a":[{"anything-but":null}]}`, MessageBody, "null is neither a string nor a number"},
		{"exists text", `{"a":[{"exists":"true"}]}`, MessageBody, "exists: match pattern must be either true or false"},
		{"numeric empty", `{"a":[{"numeric":[]}]}`, MessageBody, "is not an operator and a number"},
		{"numeric operator", `{"a":[{"numeric":["!=",1]}]}`, MessageBody, "unrecognized numeric range operator"},
		{"numeric text", `{"a":[{"numeric":["=","1"]}]}`, MessageBody, "value of = must be numeric"},
		{"numeric range turned round", `{"a":[{"numeric":[">",2,"<",1]}]}`, MessageBody, "bottom must be less than top"},
		{"numeric range of one side", `{"a":[{"numeric":[">",1,">",2]}]}`, MessageBody, "bad numeric range"},
		{"numeric too large", `{"a":[1000000001]}`, MessageBody, "is not between"},
		{"cidr", `{"a":[{"cidr":"10.0.0.0"}]}`, MessageBody, "cidr: \"10.0.0.0\" is not a network"},
		{"in a choice", `{"$or":[{"a":["x"]},{"b":[{"like":"y"}]}]}`, MessageBody, `"$or": "b": like: unrecognized`},
		{"choice of one", `{"$or":[{"a":["x"]}]}`, MessageBody, `"$or": a: unrecognized match type`},
		{"too large", `{"a":["` + strings.Repeat("x", 256<<10) + `"]}`, MessageBody, "bytes; 262144 are allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.policy), tt.scope)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestParseTakesTheLimits(t *testing.T) {
	mustParse(t, `{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"]}`, "")
	mustParse(t, `{"a":[`+strings.TrimSuffix(strings.Repeat(`"v",`, 150), ",")+`]}`, MessageBody)
	mustParse(t, `{"a":{"b":{"c":["1","2","3","4"]}},"d":{"e":["1","2","3"]}}`, MessageBody) // 72 by AWS's own example
}

// For one string, prefix and anything-but prefix are each other's opposite.
func TestAnythingButPrefixNegatesPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringN(1, 3, -1).Draw(t, "prefix")
		v := rapid.OneOf(rapid.String(), rapid.Map(rapid.String(), func(s string) string { return prefix + s })).Draw(t, "value")
		q, _ := json.Marshal(prefix)
		body, _ := json.Marshal(map[string]string{"a": v})
		is, err := Parse(fmt.Appendf(nil, `{"a":[{"prefix":%s}]}`, q), MessageBody)
		if err != nil {
			t.Fatal(err)
		}
		not, err := Parse(fmt.Appendf(nil, `{"a":[{"anything-but":{"prefix":%s}}]}`, q), MessageBody)
		if err != nil {
			t.Fatal(err)
		}
		if is.MatchBody(body) == not.MatchBody(body) {
			t.Errorf("prefix and anything-but prefix agree on %s", body)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(`{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:AROA:"}}]}}}`,
		`{"Records":[{"userIdentity":{"principalId":"AWS:AIDA"}}]}`)
	f.Add(`{"$or":[{"a":[1,null,true]},{"b":[{"numeric":[">",0,"<",9]}]}]}`, `{"b":5}`)
	f.Add(`{"a":[{"cidr":"10.0.0.0/8"},{"exists":false},{"equals-ignore-case":"X"}]}`, `{"a":[[],{},""]}`)
	f.Fuzz(func(t *testing.T, policy, body string) {
		p, err := Parse([]byte(policy), MessageBody)
		if (p == nil) == (err == nil) {
			t.Fatalf("Parse(%q) = %v, %v", policy, p, err)
		}
		if p != nil {
			p.MatchBody([]byte(body))
		}
	})
}
