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

func TestForStart(t *testing.T) {
	for took, want := range map[time.Duration]string{
		0: "", 3 * time.Second: "", 20 * time.Second: "claim-bound=1m20s", 75 * time.Second: "claim-bound=5m0s pod-ready=5m0s",
	} {
		if got := strings.Join(runconfig.DefaultLimits().ForStart(took).Changed(), " "); got != want {
			t.Errorf("a pod that took %v: expected %q, found %q", took, want, got)
		}
	}
}
