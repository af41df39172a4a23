package cluster

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// configFor merges what a host needs into a kind configuration. A host that withholds nothing gets the configuration unchanged.
func configFor(kindConfig []byte, on restrictions) ([]byte, error) {
	var config v1alpha4.Cluster
	decoder := yaml.NewDecoder(bytes.NewReader(kindConfig))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		return nil, fmt.Errorf("the kind configuration cannot be read: %w", err)
	}
	kubelet := on.kubeletPatch()
	containerd := on.containerdPatch()
	if kubelet == nil && containerd == "" {
		return kindConfig, nil
	}
	if kubelet != nil {
		patch, err := yaml.Marshal(kubelet)
		if err != nil {
			return nil, err
		}
		config.KubeadmConfigPatches = append(config.KubeadmConfigPatches, string(patch))
	}
	if containerd != "" {
		config.ContainerdConfigPatches = append(config.ContainerdConfigPatches, containerd)
	}
	return yaml.Marshal(&config)
}

// nodeCount reads off a kind configuration how many nodes its cluster has.
func nodeCount(kindConfig []byte) (int, error) {
	var config v1alpha4.Cluster
	if err := yaml.Unmarshal(kindConfig, &config); err != nil {
		return 0, fmt.Errorf("the kind configuration cannot be read: %w", err)
	}
	// kind makes one control plane where no node is named.
	return max(1, len(config.Nodes)), nil
}
