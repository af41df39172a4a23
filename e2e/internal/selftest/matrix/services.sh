#!/bin/sh
# Has the addresses of the cluster's two services lead to their endpoints: nothing that the suite uses needs another.
set -eu
for chain in PREROUTING OUTPUT; do
	iptables -w -t nat -N services 2>/dev/null || true
	iptables -w -t nat -C $chain -j services 2>/dev/null || iptables -w -t nat -I $chain -j services
done
# The kubelet's account may read both.
get() { kubectl --kubeconfig /etc/kubernetes/kubelet.conf --namespace "$1" get "$2" "$3" --output "jsonpath=$4" 2>/dev/null; }
before='' pause=1
while sleep "$pause"; do
	now='' pause=30
	for one in default/kubernetes/tcp/443/6443 kube-system/kube-dns/udp/53/53 kube-system/kube-dns/tcp/53/53; do
		IFS=/ read -r namespace name protocol port target <<-EOF
			$one
		EOF
		address=$(get "$namespace" service "$name" '{.spec.clusterIP}') || address=
		to=$(get "$namespace" endpoints "$name" '{.subsets[*].addresses[*].ip}') || to=
		# As the cluster comes up, these are wanted as soon as they are there.
		[ -n "$address" ] && [ -n "$to" ] || pause=1
		left=$(echo "$to" | wc -w)
		for ip in $to; do
			now="$now $address/$protocol/$port/$left/$ip:$target"
			left=$((left - 1))
		done
	done
	[ "$now" != "$before" ] || continue
	iptables -w -t nat -F services
	for rule in $now; do
		IFS=/ read -r address protocol port left to <<-EOF
			$rule
		EOF
		iptables -w -t nat -A services -d "$address" -p "$protocol" --dport "$port" -m statistic --mode nth --every "$left" --packet 0 -j DNAT --to-destination "$to"
	done
	before=$now
done
