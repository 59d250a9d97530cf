package accesspoint

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A change of routes that was not made is never answered as if it were.
func TestRoutesRefusal(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{ErrNoPoint, http.StatusNotFound, "NoSuchMultiRegionAccessPoint"},
		{fmt.Errorf("set routes: %w", RouteError{errors.New("at least one Region has to be active")}), http.StatusBadRequest,
			"InvalidRequest"},
		{ErrPending, http.StatusConflict, "Conflict"},
		{errors.New("the disk is full"), http.StatusInternalServerError, "InternalError"},
	} {
		got := routesRefusal(tt.err)
		if got == nil {
			t.Errorf("%v: answered with 200", tt.err)
		} else if got.status != tt.status || got.code != tt.code {
			t.Errorf("%v: %d %s, want %d %s", tt.err, got.status, got.code, tt.status, tt.code)
		}
	}
	if got := routesRefusal(nil); got != nil {
		t.Errorf("set: %v, want no refusal", got)
	}
}

// An access point has at most 17 buckets, one in each Region, as S3 has it.
func TestBucketsOfAnAccessPoint(t *testing.T) {
	buckets := func(n int) (list []Bucket) {
		for i := range n {
			list = append(list, Bucket{Region: fmt.Sprintf("region-%02d", i), Name: fmt.Sprint("bucket-", i)})
		}
		return list
	}
	for _, tt := range []struct {
		buckets []Bucket
		refused string
	}{
		{buckets(1), ""}, {buckets(17), ""},
		{nil, "an access point has 1 to 17 buckets, not 0"}, {buckets(18), "an access point has 1 to 17 buckets, not 18"},
		{append(buckets(2), Bucket{Region: "region-01", Name: "another"}), "an access point has one bucket in a Region"},
	} {
		p, err := New("aws", "123456789012").Create("p", tt.buckets)
		switch {
		case tt.refused == "" && (err != nil || len(p.Buckets) != len(tt.buckets)):
			t.Errorf("%d buckets: %d, %v", len(tt.buckets), len(p.Buckets), err)
		case tt.refused != "" && (err == nil || !strings.Contains(err.Error(), tt.refused)):
			t.Errorf("%d buckets: %v, want %q", len(tt.buckets), err, tt.refused)
		}
	}
}

// A change of routes holds after its time, and keeps S3 from taking another until then.
func TestChangeOfRoutesIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New("aws", "123456789012")
		p, err := s.Create("p", []Bucket{{Region: "eu-west-1", Name: "a"}, {Region: "us-east-1", Name: "b"}})
		if err != nil {
			t.Fatal(err)
		}
		s.DelayRoutes(time.Minute)
		away, back := []Route{{Region: "eu-west-1"}}, []Route{{Region: "eu-west-1", Active: true}}
		passive := func() bool {
			p, _ := s.Find(p.ARN)
			return p.Buckets[0].Passive
		}
		if err := s.SetRoutes(p.ARN, away); err != nil || passive() {
			t.Errorf("at first: passive %v, %v", passive(), err)
		}
		<-time.After(59 * time.Second)
		if err := s.SetRoutes(p.ARN, back); !errors.Is(err, ErrPending) || passive() {
			t.Errorf("meanwhile: passive %v, %v", passive(), err)
		}
		<-time.After(time.Second)
		if !passive() {
			t.Error("active after a minute")
		}
		if err := s.SetRoutes(p.ARN, back); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}
