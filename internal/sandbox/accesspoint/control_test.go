package accesspoint

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// A change of routes that was not made is never answered as if it were.
func TestRoutesRefusal(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{ErrNoPoint, http.StatusNotFound, "NoSuchMultiRegionAccessPoint"},
		{fmt.Errorf("set routes: %w", RouteError{errors.New("at least one Region has to be active")}), http.StatusBadRequest, "InvalidRequest"},
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
