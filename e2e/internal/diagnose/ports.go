package diagnose

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// PortUse is a port of a node that a pod has taken.
type PortUse struct {
	Port     int32           `json:"port"`
	Protocol corev1.Protocol `json:"protocol"`
	IP       string          `json:"ip,omitempty"` // "" and 0.0.0.0 are all addresses of the node
	Pod      string          `json:"pod"`          // namespace/name
}

// HostPorts are the ports that a pod takes, or would take, of its node. A sidecar keeps its ports, any other init container gives them back.
func HostPorts(p *corev1.Pod) []PortUse {
	var out []PortUse
	add := func(c *corev1.Container) {
		for _, port := range c.Ports {
			if port.HostPort > 0 {
				protocol := port.Protocol
				if protocol == "" {
					protocol = corev1.ProtocolTCP
				}
				out = append(out, PortUse{port.HostPort, protocol, port.HostIP, p.Namespace + "/" + p.Name})
			}
		}
	}
	for i := range p.Spec.InitContainers {
		if sidecar(&p.Spec.InitContainers[i]) {
			add(&p.Spec.InitContainers[i])
		}
	}
	for i := range p.Spec.Containers {
		add(&p.Spec.Containers[i])
	}
	return out
}

func (u PortUse) conflicts(o PortUse) bool {
	every := func(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }
	return u.Port == o.Port && u.Protocol == o.Protocol && (every(u.IP) || every(o.IP) || u.IP == o.IP)
}

// portsTaken are the host ports that a pod wants and others have on a node.
func (v *view) portsTaken(p *corev1.Pod, n *corev1.Node) []obstacle {
	at := slices.IndexFunc(v.s.Usage, func(u Usage) bool { return u.Node == n.Name })
	if at < 0 {
		return nil
	}
	var out []obstacle
	for _, want := range HostPorts(p) {
		for _, has := range v.s.Usage[at].HostPorts {
			if !want.conflicts(has) {
				continue
			}
			out = append(out, obstacle{
				cause: byPort, short: fmt.Sprintf("whose port %d is taken", want.Port), text: fmt.Sprintf("has given its port %d to %s", want.Port, has.Pod),
				evidence: Evidence{clusterRef("node", n.Name), fmt.Sprintf("hostPort %d/%s", has.Port, has.Protocol), has.Pod},
			})
		}
	}
	return out
}

// portTaken is a pod whose host port is taken wherever it could run.
func (v *view) portTaken(p *corev1.Pod, f Finding, nodes []nodeObstacles) Finding {
	near := without(nodes, func(o obstacle) bool { return o.cause == byVolume || o.cause == byAffinity })
	var own, others []string
	taken := 0
	port := ""
	for _, n := range ordinary(near) {
		here := false
		for _, o := range n.all {
			if o.cause != byPort {
				continue
			}
			here = true
			if port == "" {
				port = o.evidence.Field
			}
			holder := o.evidence.Value
			if q := v.heldBy(holder); q != nil {
				own = append(own, q.Name)
			} else {
				others = append(others, holder)
			}
		}
		if here {
			taken++
		}
	}
	slices.Sort(own)
	slices.Sort(others)
	own, others = slices.Compact(own), slices.Compact(others)
	number, count := HostPorts(p)[0].Port, "each of the "+plural(taken, "node", "nodes")
	if taken == 1 {
		count = "the one node"
	}
	_, _ = fmt.Sscanf(port, "hostPort %d/", &number)
	f.What = fmt.Sprintf("wants host port %d, which is taken on %s that could take it, by %s", number, count, list(slices.Concat(own, others)))
	f.Why = "a host port can be used by one pod of each node"
	f.Do = []string{"drop hostPort (or hostNetwork) from the set's template: a headless service gives each pod an address and a name of its own"}
	if len(others) == 0 {
		f.Do = append(f.Do, "or have as many nodes that take ordinary pods as the set has replicas: add nodes, or ask for fewer replicas")
	} else {
		f.Do = append(f.Do, "or choose another port, or move "+list(others)+" away; where that runs on every node, more nodes do not help")
	}
	return f
}

// heldBy is the set's pod of that namespace/name, nil if it is another's.
func (v *view) heldBy(holder string) *corev1.Pod {
	for i := range v.s.Pods {
		if q := &v.s.Pods[i]; v.controls(q) && v.s.Namespace+"/"+q.Name == holder {
			return q
		}
	}
	return nil
}

// unlabelled are the labels over which a pod must be spread and which a node does not have: the scheduler leaves out such a node.
func (v *view) unlabelled(p *corev1.Pod, n *corev1.Node) []obstacle {
	var out []obstacle
	for i, c := range p.Spec.TopologySpreadConstraints {
		if _, has := n.Labels[c.TopologyKey]; has || c.WhenUnsatisfiable != corev1.DoNotSchedule {
			continue
		}
		out = append(out, obstacle{
			cause: byLabel, short: "without the label " + c.TopologyKey + ", over which its topologySpreadConstraints spread it", text: "lacks the label " + c.TopologyKey,
			evidence: Evidence{v.ref("pod", p.Name), fmt.Sprintf("spec.topologySpreadConstraints[%d]", i), c.TopologyKey + ", " + string(c.WhenUnsatisfiable)},
		})
	}
	return out
}
