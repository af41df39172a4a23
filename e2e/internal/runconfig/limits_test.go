package runconfig_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestEveryLimitHasANameAndADefault(t *testing.T) {
	names := runconfig.LimitNames()
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("expected names to be unique, found %v", names)
	}
	v := reflect.ValueOf(runconfig.DefaultLimits())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("limit") == "" || v.Field(i).Int() <= 0 {
			t.Errorf("%s: expected a name and a default above zero, found %q and %v", f.Name, f.Tag.Get("limit"), v.Field(i).Int())
		}
	}
}

func TestOverride(t *testing.T) {
	got, err := runconfig.DefaultLimits().Override("pod-ready=5m, dns-follows=90s", "clock-skew=10ms")
	if err != nil {
		t.Fatal(err)
	}
	if got.PodReady != 5*time.Minute || got.DNSFollows != 90*time.Second || got.ClockSkew != 10*time.Millisecond {
		t.Errorf("found %+v", got)
	}
	if want := []string{"clock-skew=10ms", "dns-follows=1m30s", "pod-ready=5m0s"}; !slices.Equal(got.Changed(), want) {
		t.Errorf("expected %v to be listed as changed, found %v", want, got.Changed())
	}
	if runconfig.DefaultLimits().Changed() != nil {
		t.Error("expected the defaults to differ in nothing from themselves")
	}
}

func TestOverrideRejects(t *testing.T) {
	for change, text := range map[string]string{
		"pod-ready":      "expected name=duration",
		"pod-ready=soon": `expected a duration above zero, such as 90s or 5m, found "soon"`,
		"pod-ready=-1s":  "above zero",
		"pod-ready=0s":   "above zero",
		"patience=1s":    `no limit is named "patience"; there are api-server-back`,
	} {
		if _, err := runconfig.DefaultLimits().Override(change); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: expected an error with %q, found %v", change, text, err)
		}
	}
}

func TestLimitsForACluster(t *testing.T) {
	for name, c := range map[string]struct {
		took runconfig.Measured
		want string
	}{
		"nothing measured":   {runconfig.Measured{}, ""},
		"a fast cluster":     {runconfig.Measured{Created: 0.1, Bound: 1, Started: 3, Ready: 4, Settled: 0.01, Resolved: 1, Ended: 1}, ""},
		"slow volumes":       {runconfig.Measured{Started: 20}, "claim-bound=1m20s"},
		"slower ones":        {runconfig.Measured{Started: 75}, "claim-bound=5m0s pod-ready=5m0s"},
		"slow to be bound":   {runconfig.Measured{Bound: 30}, "claim-bound=2m0s"},
		"slow probes":        {runconfig.Measured{Ready: 40}, "pod-ready=2m40s"},
		"a slow controller":  {runconfig.Measured{Created: 10, Settled: 9}, "pod-created=40s status-settled=36s"},
		"a DNS that is late": {runconfig.Measured{Resolved: 31}, "dns-follows=2m4s"},
		"slow ends":          {runconfig.Measured{Ended: 20}, "pod-gone=1m20s"},
	} {
		if got := strings.Join(runconfig.DefaultLimits().For(c.took).Changed(), " "); got != c.want {
			t.Errorf("%s: expected %q, found %q", name, c.want, got)
		}
	}
}
