package history

import "testing"

func TestMainContainerIsTheFixtures(t *testing.T) {
	named := func(names ...string) *Pod {
		p := &Pod{}
		for _, n := range names {
			p.Containers = append(p.Containers, Container{Name: n})
		}
		return p
	}
	for want, p := range map[string]*Pod{"main": named("injected", "main"), "nginx": named("istio-proxy", "nginx", "z"), "a": named("a", "b")} {
		if got := p.Main(); got == nil || got.Name != want {
			t.Errorf("expected container %s, found %v", want, got)
		}
	}
	if got := named().Main(); got != nil {
		t.Errorf("expected none of a pod without containers, found %v", got)
	}
}
