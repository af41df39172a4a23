//go:build linux

package main

import (
	"encoding/json"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func testNode(name string, addresses, ranges []string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDRs: ranges}}
	n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeHostName, Address: name})
	for _, a := range addresses {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: a})
	}
	return n
}

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestPlanFor(t *testing.T) {
	nodes := []*corev1.Node{
		testNode("c", []string{"172.18.0.4", "fc00::4"}, []string{"10.244.2.0/24", "fd00:2::/64"}),
		testNode("a", []string{"172.18.0.2", "fc00::2"}, []string{"10.244.0.0/24", "fd00:0::/64"}),
		testNode("b", []string{"172.18.0.3"}, []string{"10.244.1.0/24", "fd00:1::/64"}),
		testNode("without-range", []string{"172.18.0.5"}, nil),
		testNode("without-address", nil, []string{"10.244.9.0/24"}),
	}
	got := planFor("a", nodes)
	want := plan{
		own: prefixes("10.244.0.0/24", "fd00::/64"),
		routes: []route{
			{to: netip.MustParsePrefix("10.244.1.0/24"), via: netip.MustParseAddr("172.18.0.3")},
			{to: netip.MustParsePrefix("10.244.2.0/24"), via: netip.MustParseAddr("172.18.0.4")},
			{to: netip.MustParsePrefix("fd00:2::/64"), via: netip.MustParseAddr("fc00::4")},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if v4 := got.ranges(true); !reflect.DeepEqual(v4, prefixes("10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24")) {
		t.Errorf("IPv4 ranges are %v", v4)
	}
}

func TestPlanForAnUnknownNodeOwnsNothing(t *testing.T) {
	if got := planFor("new", []*corev1.Node{testNode("a", []string{"1.2.3.4"}, []string{"10.0.0.0/24"})}); len(got.own) != 0 {
		t.Errorf("got %v", got.own)
	}
}

func TestSingleRangeField(t *testing.T) {
	n := testNode("a", nil, nil)
	n.Spec.PodCIDR = "10.244.0.0/24"
	if got := planFor("a", []*corev1.Node{n}).own; !reflect.DeepEqual(got, prefixes("10.244.0.0/24")) {
		t.Errorf("got %v", got)
	}
}

func TestSameNetworkIgnoresHeartbeats(t *testing.T) {
	before := testNode("a", []string{"1.2.3.4"}, []string{"10.0.0.0/24"})
	after := before.DeepCopy()
	after.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady}}
	if !sameNetwork(before, after) {
		t.Error("a heartbeat counts as a change")
	}
	after.Status.Addresses[1].Address = "1.2.3.5"
	if sameNetwork(before, after) {
		t.Error("a new address does not count as a change")
	}
}

func TestConflist(t *testing.T) {
	text, err := conflist(prefixes("10.244.1.0/24", "fd00:1::/64"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Name    string
		Plugins []struct {
			Type string
			IPAM struct {
				Type   string
				Ranges [][]struct{ Subnet string }
				Routes []struct{ Dst string }
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Plugins) != 1 || got.Plugins[0].Type != "ptp" || got.Plugins[0].IPAM.Type != "host-local" {
		t.Fatalf("unexpected plugins in\n%s", text)
	}
	ipam := got.Plugins[0].IPAM
	if ipam.Ranges[0][0].Subnet != "10.244.1.0/24" || ipam.Ranges[1][0].Subnet != "fd00:1::/64" {
		t.Errorf("unexpected ranges %v", ipam.Ranges)
	}
	if ipam.Routes[0].Dst != "0.0.0.0/0" || ipam.Routes[1].Dst != "::/0" {
		t.Errorf("unexpected routes %v", ipam.Routes)
	}
}

func TestMasqueradeRulesSpareThePodNetwork(t *testing.T) {
	got := masqueradeRules(prefixes("10.244.0.0/24", "10.244.1.0/24"))
	want := strings.Join([]string{
		"*nat", ":PODNET-MASQUERADE - [0:0]",
		"-A PODNET-MASQUERADE --destination 10.244.0.0/24 --jump RETURN",
		"-A PODNET-MASQUERADE --destination 10.244.1.0/24 --jump RETURN",
		"-A PODNET-MASQUERADE --jump MASQUERADE", "COMMIT", "",
	}, "\n")
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPrefixesSurviveTheKernel(t *testing.T) {
	for _, p := range prefixes("10.244.1.0/24", "fd00:1::/64") {
		if got := prefixOf(network(p)); got != p {
			t.Errorf("%v comes back as %v", p, got)
		}
	}
	// The kernel's answers can hold IPv4 in sixteen bytes.
	long := &net.IPNet{IP: net.ParseIP("10.244.1.0").To16(), Mask: net.CIDRMask(24, 32)}
	if got := prefixOf(long); got != netip.MustParsePrefix("10.244.1.0/24") {
		t.Errorf("got %v", got)
	}
}
