package cluster

import (
	"context"

	"sigs.k8s.io/e2e-framework/support"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

// provideImages sees to it that the nodes have the images of the suite's pods, and names them.
func (c *Cluster) provideImages(ctx context.Context, o Options, carried nodeimage.Workload) (nodeimage.Workload, error) {
	chosen, load, err := nodeimage.ResolveWorkload(ctx, nodeimage.WorkloadOptions{
		Engine: c.engine, Wanted: o.Workload, Carried: carried, Progress: o.Progress,
	})
	if err != nil {
		return nodeimage.Workload{}, err
	}
	loader, ok := c.dir.provider(c.name, c.state.Image).(support.E2EClusterProviderWithImageLoader)
	if !ok {
		return chosen, nil
	}
	for _, image := range load {
		if err := loader.LoadImage(ctx, image); err != nil {
			return nodeimage.Workload{}, err
		}
	}
	return chosen, nil
}
