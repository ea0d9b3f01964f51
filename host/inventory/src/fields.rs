//! The fields of XAPI's records that the picture is made of.

/// Names of fields that are read of any class, sorted. What stands in a record beside them is skipped while it arrives.
///
/// [`crate::record::Record`] refuses to read others in builds with debug assertions, so a test of a new property fails until
/// its field is here.
#[rustfmt::skip]
pub const FIELDS: &[&str] = &[
    "DNS", "GPU_group", "GPU_types", "HVM_boot_params", "HVM_boot_policy", "IP", "IPv6", "MAC", "MTU", "PBDs", "PCI",
    "PCIs", "PGPUs", "PIFs", "PUSBs", "PV_args", "PV_drivers_detected", "PV_drivers_up_to_date", "PV_drivers_version",
    "SR", "USB_group", "VBDs", "VCPUs_at_startup", "VCPUs_max", "VCPUs_number", "VCPUs_params", "VDI", "VDIs",
    "VGPUs", "VIFs", "VLAN", "VM", "VTPMs", "VUSBs", "address", "affinity", "after_apply_guidance",
    "allocation_algorithm", "allowed_operations", "applied", "bios_strings", "blocked_operations", "body",
    "bond_master_of", "bond_slave_of", "bootable", "bridge", "capabilities", "carrier", "cbt_enabled", "certificates",
    "chipset_info", "class_name", "configuration", "content_type", "control_domain", "cpu_info", "crash_dump_SR",
    "created", "creation", "current_operations", "currently_attached", "default_SR", "default_locking_mode", "device",
    "device_config", "device_name", "disallow_unplug", "dom0_access", "domain_type", "driver_filename", "enabled",
    "enabled_VGPU_types", "enabled_on_GPU_groups", "enabled_on_PGPUs", "end", "experimental", "features",
    "fingerprint", "finished", "framebuffer_size", "gateway", "guest_metrics", "ha_enabled",
    "ha_reboot_vm_on_internal_shutdown", "ha_restart_priority", "ha_statefiles", "has_vendor_device", "host",
    "host_patches", "hostname", "hosts", "install_time", "installation_size", "ip_configuration_mode", "ipv4_allowed",
    "ipv6_allowed", "ipv6_configuration_mode", "is_a_snapshot", "is_a_template", "is_control_domain",
    "is_default_template", "is_system_display_device", "iscsi_iqn", "key", "license_params", "license_server", "live",
    "locking_mode", "logging", "managed", "management", "master", "max_heads", "max_resolution_x", "max_resolution_y",
    "memory", "memory_actual", "memory_dynamic_max", "memory_dynamic_min", "memory_free", "memory_static_max",
    "memory_static_min", "memory_total", "metrics", "migration_compression", "missing", "mode", "model_name", "name",
    "name_description", "name_label", "netmask", "network", "networks", "not_after", "obj_uuid", "os_version",
    "other", "other_config", "parent", "passthrough_enabled", "patches", "pci_id", "physical", "physical_size",
    "physical_utilisation", "platform", "pool_applied", "pool_patch", "power_on_mode", "power_state",
    "primary_address_type", "product_desc", "progress", "purpose", "qos_algorithm_params", "qos_algorithm_type",
    "recommendations", "required_cluster_stack", "resident_VGPUs", "resident_VMs", "resident_on", "restrictions",
    "result", "shared", "size", "slaves", "sm_config", "snapshot_of", "snapshot_time", "snapshots",
    "software_version", "speed", "start_delay", "start_time", "status", "supported_VGPU_max_capacities",
    "supported_VGPU_types", "supported_image_formats", "suspend_SR", "suspend_VDI", "suspend_image_SR", "tags",
    "timestamp", "timestamp_applied", "type", "updates", "updates_requiring_reboot", "userdevice", "uuid", "vdi",
    "vendor", "vendor_desc", "vendor_id", "vendor_name", "version", "virtual_allocation", "virtual_size",
    "xenstore_data",
];

#[cfg(test)]
mod tests {
    #[test]
    fn they_are_sorted() {
        assert!(super::FIELDS.is_sorted());
    }
}
