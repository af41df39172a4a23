package framework

import "testing"

// Somebody else's events in a namespace of NAMESPACES= are not saved.
func TestConcerns(t *testing.T) {
	saved := []string{"web", "asker"}
	for object, want := range map[string]bool{"web": true, "web-0": true, "data-web-0": false, "asker": true, "webshop": false, "nightly-backup": false} {
		if got := concerns(saved, object); got != want {
			t.Errorf("%s: expected %t, found %t", object, want, got)
		}
	}
}
