package cluster

import (
	"context"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

// provideImages chooses the images of the suite's pods and loads those that the nodes lack.
func (c *Cluster) provideImages(ctx context.Context, o Options, carried nodeimage.Workload) (nodeimage.Workload, error) {
	chosen, load, err := nodeimage.ResolveWorkload(ctx, nodeimage.WorkloadOptions{
		Engine: c.engine, Wanted: o.Workload, Carried: carried, Progress: o.Progress,
	})
	if err != nil {
		return nodeimage.Workload{}, err
	}
	if o.Databases {
		databases, further, err := nodeimage.ResolveDatabases(ctx, nodeimage.DatabaseOptions{
			Engine: c.engine, Wanted: o.Workload, KubernetesVersion: o.KubernetesVersion, NodeImage: o.NodeImage, Progress: o.Progress,
		})
		if err != nil {
			return nodeimage.Workload{}, err
		}
		chosen.Postgres, chosen.EarlierEtcd = databases.Postgres, databases.EarlierEtcd
		load = append(load, further...)
	}
	for _, image := range load {
		if err := c.loadImage(ctx, image); err != nil {
			return nodeimage.Workload{}, err
		}
	}
	return chosen, nil
}
