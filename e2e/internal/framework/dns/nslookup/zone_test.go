package nslookup

import "testing"

func TestZone(t *testing.T) {
	for _, c := range []struct {
		name, conf, want string
		found            bool
	}{
		{"usual", "search mine.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n", "cluster.local", true},
		{"of one label, with a final dot", "nameserver 10.96.0.10\nsearch mine.svc.corp. svc.corp.\n", "corp", true},
		{"another namespace's", "search yours.svc.cluster.local svc.cluster.local\n", "", false},
		{"a namespace that ends like it", "search notmine.svc.cluster.local\n", "", false},
		{"the node's own", "search example.org\nnameserver 192.0.2.1\n", "", false},
		{"none", "nameserver 192.0.2.1\n", "", false},
		{"empty", "", "", false},
	} {
		if zone, found := Zone(c.conf, "mine"); zone != c.want || found != c.found {
			t.Errorf("%s: expected %q, %t, found %q, %t", c.name, c.want, c.found, zone, found)
		}
	}
}
