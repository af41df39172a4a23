//go:build linux

// Command podnet is the pod network of a cluster whose nodes share one link: it runs on each node and, from the node objects, keeps
// the node's CNI configuration, the routes to the other nodes' pods and the masquerading of what leaves the pod network.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// retryAfter is the wait before the node's network is tried again when setting it up failed.
const retryAfter = time.Second

func main() {
	config := flag.String("config", "/etc/cni/net.d/10-podnet.conflist", "CNI configuration to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("NODE_NAME"), *config); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "podnet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, node, config string) error {
	if node == "" {
		return errors.New("NODE_NAME is not set: it names the node this runs on")
	}
	settings, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	// The service address needs kube-proxy, which may come up later than this.
	if endpoint := os.Getenv("CONTROL_PLANE_ENDPOINT"); endpoint != "" {
		if _, _, err := net.SplitHostPort(endpoint); err != nil {
			return fmt.Errorf("CONTROL_PLANE_ENDPOINT=%s: %w", endpoint, err)
		}
		settings.Host = "https://" + endpoint
	}
	// This client alone, for one that speaks every API takes minutes to compile.
	client, err := corev1client.NewForConfig(settings)
	if err != nil {
		return err
	}

	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // a look at all nodes is already due
		}
	}
	nodes := cache.NewSharedInformer(cache.NewListWatchFromClient(client.RESTClient(), "nodes", "", fields.Everything()), &corev1.Node{}, 0)
	_, err = nodes.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		DeleteFunc: func(any) { notify() },
		UpdateFunc: func(before, after any) {
			// Heartbeats change nothing that matters here.
			if !sameNetwork(before.(*corev1.Node), after.(*corev1.Node)) {
				notify()
			}
		},
	})
	if err != nil {
		return err
	}
	go nodes.Run(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), nodes.HasSynced) {
		return ctx.Err()
	}
	notify()

	host := newHost(config)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		var all []*corev1.Node
		for _, item := range nodes.GetStore().List() {
			all = append(all, item.(*corev1.Node))
		}
		if err := host.apply(ctx, planFor(node, all)); err != nil {
			slog.Error("the node's network is not as it should be, trying again", "error", err)
			time.AfterFunc(retryAfter, notify)
		}
	}
}
