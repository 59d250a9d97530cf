package functionenv

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/replicaset"
)

// Names of the variables of the function that compares, beside those of the
// replicator, which it has too. Role is the replicator's there as well: what is
// written is written in a session of it.
const (
	// ReconcileEvery is how old the last complete comparison may become, such as
	// "24h0m0s".
	ReconcileEvery = "S3FANOUT_RECONCILE_EVERY"
	// ReconcileCopy is "true" where differences are repaired, else "false".
	ReconcileCopy = "S3FANOUT_RECONCILE_COPY"
	// ReconcileTable is the name of the table of checkpoints.
	ReconcileTable = "S3FANOUT_RECONCILE_TABLE"
	// ReconcileRanges is into how many ranges a state machine divides the keys.
	// Optional: without it the function goes through all keys by itself.
	ReconcileRanges = "S3FANOUT_RECONCILE_RANGES"
	// ReconcileRate is how many copies begin in a second at most. Optional.
	ReconcileRate = "S3FANOUT_RECONCILE_RATE"
	// ReconcileGrace is how long after a change a key is left alone, such as "5m0s".
	// Optional; no configuration sets it, and whoever tries the function out may.
	ReconcileGrace = "S3FANOUT_RECONCILE_GRACE"
	// Filters are those of the set, as "<prefix>:<suffix>", separated by commas;
	// both are encoded as in FollowFilters. Optional: without it every key is copied.
	Filters = "S3FANOUT_FILTERS"
	// OpaqueETags is "true" where ETags say nothing of contents. Optional.
	OpaqueETags = "S3FANOUT_OPAQUE_ETAGS"
)

// Reconcile is what the function that compares needs to know of its replica set.
// FunctionName is its own, and Role the replicator's.
type Reconcile struct {
	Config
	Filters     []replicaset.Filter // none for every key
	OpaqueETags bool
	Every       time.Duration
	Copy        bool
	Table       string
	KeyRanges   int // zero: the function goes through all keys by itself
	// Zero means that the function chooses.
	Rate  int // copies in a second
	Grace time.Duration
}

// Matches reports whether objects with this key are copied to the other Regions.
func (r Reconcile) Matches(key string) bool {
	return replicaset.Config{Filters: r.Filters, Exclude: r.Exclude}.Matches(key)
}

// Prefixes are those of all keys that Matches, in order, none of which another one
// begins with: one empty prefix where any key may match.
func (r Reconcile) Prefixes() []string {
	if len(r.Filters) == 0 {
		return []string{""}
	}
	var all, list []string
	for _, f := range r.Filters {
		all = append(all, f.Prefix)
	}
	slices.Sort(all)
	for _, prefix := range all {
		if n := len(list); n == 0 || !strings.HasPrefix(prefix, list[n-1]) {
			list = append(list, prefix)
		}
	}
	return list
}

// OfReconcile is the configuration of the function that compares at a member of a
// set that has one.
func OfReconcile(set replicaset.Config, target replicaset.Member) Reconcile {
	c := Of(set, target)
	c.FunctionName = set.ReconcilerName()
	r := Reconcile{
		Config: c, OpaqueETags: set.OpaqueETags(), Every: set.Reconcile.Every, Copy: set.Reconcile.Copy,
		Table: set.ReconcilerName(), KeyRanges: set.Reconcile.KeyRanges,
	}
	for _, f := range set.Filters {
		r.Filters = append(r.Filters, replicaset.Filter{Prefix: f.Prefix, Suffix: f.Suffix})
	}
	return r
}

// EncodeReconcile returns the variables that the infrastructure has to set.
func EncodeReconcile(r Reconcile) map[string]string {
	variables := Encode(r.Config)
	variables[ReconcileEvery] = r.Every.String()
	variables[ReconcileCopy] = strconv.FormatBool(r.Copy)
	variables[ReconcileTable] = r.Table
	for name, n := range map[string]int{ReconcileRanges: r.KeyRanges, ReconcileRate: r.Rate} {
		if n > 0 {
			variables[name] = strconv.Itoa(n)
		}
	}
	if r.Grace > 0 {
		variables[ReconcileGrace] = r.Grace.String()
	}
	if r.OpaqueETags {
		variables[OpaqueETags] = "true"
	}
	var filters []string
	for _, f := range r.Filters {
		// Encoded, neither part has a colon or a comma.
		filters = append(filters, replicaset.EncodeFilterValue(f.Prefix)+":"+replicaset.EncodeFilterValue(f.Suffix))
	}
	if filters != nil {
		variables[Filters] = strings.Join(filters, ",")
	}
	return variables
}

// DecodeReconcile reads what EncodeReconcile writes, as Decode does.
func DecodeReconcile(getenv func(string) string) (Reconcile, error) {
	var r Reconcile
	var err error
	if r.Config, err = Decode(getenv); err != nil {
		return Reconcile{}, err
	}
	wrong := func(name, want string) (Reconcile, error) {
		return Reconcile{}, fmt.Errorf("environment variable %s: %q is not %s", name, getenv(name), want)
	}
	for name, into := range map[string]*time.Duration{ReconcileEvery: &r.Every, ReconcileGrace: &r.Grace} {
		if getenv(name) == "" && name == ReconcileGrace {
			continue
		}
		if *into, err = time.ParseDuration(getenv(name)); err != nil || *into <= 0 {
			return wrong(name, "a time such as 24h0m0s")
		}
	}
	for name, into := range map[string]*bool{ReconcileCopy: &r.Copy, OpaqueETags: &r.OpaqueETags} {
		text := getenv(name)
		if text == "" && name == OpaqueETags {
			continue
		}
		if *into = text == "true"; text != "true" && text != "false" {
			return wrong(name, "true or false")
		}
	}
	if r.Table = getenv(ReconcileTable); r.Table == "" {
		return Reconcile{}, fmt.Errorf("environment variable %s is not set", ReconcileTable)
	}
	for name, into := range map[string]*int{ReconcileRanges: &r.KeyRanges, ReconcileRate: &r.Rate} {
		n, err := optionalNumber(getenv, name, math.MaxInt32)
		if err != nil {
			return Reconcile{}, err
		}
		*into = int(n)
	}
	list := getenv(Filters)
	if list == "" {
		return r, nil
	}
	for _, text := range strings.Split(list, ",") {
		f, ok := decodePattern(text)
		if !ok {
			return Reconcile{}, fmt.Errorf("environment variable %s: %q is not <prefix>:<suffix>", Filters, text)
		}
		r.Filters = append(r.Filters, replicaset.Filter{Prefix: f.Prefix, Suffix: f.Suffix})
	}
	return r, nil
}

// decodePattern reads "<prefix>:<suffix>". A pattern that asks for nothing is none.
func decodePattern(text string) (pattern replicaset.Exclusion, ok bool) {
	prefix, suffix, ok := strings.Cut(text, ":")
	if !ok {
		return replicaset.Exclusion{}, false
	}
	var errs []error
	for _, part := range []struct {
		text string
		into *string
	}{{prefix, &pattern.Prefix}, {suffix, &pattern.Suffix}} {
		var err error
		*part.into, err = url.QueryUnescape(part.text)
		errs = append(errs, err)
	}
	return pattern, pattern != (replicaset.Exclusion{}) && !slices.ContainsFunc(errs, func(err error) bool { return err != nil })
}
